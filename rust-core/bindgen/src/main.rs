//! Generates the Kotlin bindings from a built `libchat_core`; `scripts/bindings` runs it.

fn main() {
    uniffi::uniffi_bindgen_main();
}
