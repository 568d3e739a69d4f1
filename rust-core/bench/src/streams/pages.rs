//! Tables in pages of documentation, renewed in place.

use anyhow::{Context as _, Result};
use std::path::Path;

/// Puts each section between `<!-- bench:NAME -->` and `<!-- /bench:NAME -->`, where a page has these.
pub(crate) fn write(file: &Path, sections: &[(&str, String)]) -> Result<()> {
    let mut page = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    for (name, section) in sections {
        page = renewed(&page, name, section)?;
    }
    Ok(std::fs::write(file, page)?)
}

fn renewed(page: &str, name: &str, section: &str) -> Result<String> {
    let (open, close) = (format!("<!-- bench:{name} -->"), format!("<!-- /bench:{name} -->"));
    let Some((before, rest)) = page.split_once(&open) else { return Ok(page.to_owned()) };
    let (_, after) = rest.split_once(&close).with_context(|| format!("{open} is not closed"))?;
    Ok(format!("{before}{open}\n{section}{close}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_renewed_and_the_rest_is_left_alone() {
        let page = "a\n<!-- bench:x -->\nold\n<!-- /bench:x -->\nb\n";
        let new = renewed(page, "x", "| new |\n").unwrap();
        assert_eq!(new, "a\n<!-- bench:x -->\n| new |\n<!-- /bench:x -->\nb\n");
        assert_eq!(renewed(&new, "y", "z").unwrap(), new);
        assert!(renewed("<!-- bench:x -->", "x", "").is_err());
    }
}
