//! Lengths of time as definitions write them.

const UNITS: [&str; 6] = ["ms", "s", "m", "h", "d", "w"];

/// Whether this is one: `250ms`, `30s`, `1h30m`. What is computed is one when it is.
pub(crate) fn is_duration(text: &str) -> bool {
    let mut rest = text.trim();
    if rest.contains("${") {
        return true;
    }
    if rest.is_empty() {
        return false;
    }
    while !rest.is_empty() {
        let Some(digits) = rest.find(|c: char| !c.is_ascii_digit() && c != '.') else { return false };
        if rest[..digits].parse::<f64>().is_err() {
            return false;
        }
        rest = &rest[digits..];
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        if !UNITS.contains(&&rest[..letters]) {
            return false;
        }
        rest = rest[letters..].trim_start();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_definitions_take_is_one_and_nothing_else_is() {
        let file = |text: &str| format!("workflow: x\nsteps:\n  a: {{ wait: \"{text}\" }}\n");
        for text in [
            "250ms", "30s", "5m", "2h", "1d", "1w", "1h30m", "1h 30m", "0.5s", " 1s ", "1.5.5s", "1", "", "x", "30x",
            "-1s", "s", "1 s", ".s",
        ] {
            let taken = sagaline_lang::read(&file(text), "x").is_ok();
            assert_eq!(is_duration(text), taken, "{text}");
        }
        assert!(is_duration("${ workflow.input.patience }"));
    }
}
