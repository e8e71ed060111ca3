//! Markup within a paragraph.

use crate::svg::escape;

/// Text with `` `code` ``, `**strong**`, `*emphasis*` and `[text](address)` as HTML. A mark without its partner is an
/// ordinary letter. Addresses are of the web or of the page itself; others stay text, so that none can run a script.
pub(super) fn html(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['`', '*', '[']) {
        out.push_str(&escape(&rest[..at]));
        rest = &rest[at..];
        match marked(rest) {
            Some((element, after)) => {
                out.push_str(&element);
                rest = after;
            }
            None => {
                out.push_str(&rest[..1]);
                rest = &rest[1..];
            }
        }
    }
    out.push_str(&escape(rest));
    out
}

/// The element at the beginning of `text`, and what follows it.
fn marked(text: &str) -> Option<(String, &str)> {
    if let Some(rest) = text.strip_prefix('`') {
        let (code, after) = rest.split_once('`').filter(|(code, _)| !code.is_empty())?;
        return Some((format!("<code>{}</code>", escape(code)), after));
    }
    for (mark, element) in [("**", "strong"), ("*", "em")] {
        if let Some(rest) = text.strip_prefix(mark) {
            let (inside, after) = rest.split_once(mark)?;
            // 2 * 3 * 4 is a product.
            if inside.is_empty() || inside.starts_with(' ') || inside.ends_with(' ') {
                return None;
            }
            return Some((format!("<{element}>{}</{element}>", html(inside)), after));
        }
    }
    let (label, rest) = text.strip_prefix('[')?.split_once("](")?;
    let (address, after) = rest.split_once(')')?;
    let safe = ["https://", "http://", "#"].iter().any(|begin| address.starts_with(begin));
    if !safe || label.contains('[') {
        return None;
    }
    Some((format!("<a href=\"{}\">{}</a>", escape(address), html(label)), after))
}

#[cfg(test)]
mod tests {
    use super::html;

    #[test]
    fn marks_become_elements_and_all_else_is_text() {
        let cases = [
            ("a `b<c` d", "a <code>b&lt;c</code> d"),
            ("**x** *y*", "<strong>x</strong> <em>y</em>"),
            ("2 * 3 * 4", "2 * 3 * 4"),
            ("lone ` and * and [", "lone ` and * and ["),
            ("[a](https://b.c/?d&e)", "<a href=\"https://b.c/?d&amp;e\">a</a>"),
            ("[a](javascript:b)", "[a](javascript:b)"),
            ("[a](https://x\" onclick=\"y)", "<a href=\"https://x&quot; onclick=&quot;y\">a</a>"),
            ("<script>", "&lt;script&gt;"),
        ];
        for (text, expected) in cases {
            assert_eq!(html(text), expected);
        }
    }
}
