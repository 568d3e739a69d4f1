//! What a poll, a catch-up and an opening cost (`scripts/bench`).

fn main() {}
