//! Whatever a .flow file contains, reading and formatting it ends with an answer.

use proptest::{prelude::*, test_runner::RngSeed};
use sagaline_lang::{format, read_all};

/// Pieces that .flow files are made of, so that random ones get far.
const PIECES: [&str; 44] = [
    "\n",
    " ",
    "\t",
    ":",
    ",",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "\"",
    "'",
    "\"\"\"",
    "\\",
    "\\u",
    "// x\n",
    "/*",
    "#",
    "é",
    "\u{feff}",
    "\r",
    "workflow w {",
    "job j {",
    "steps {",
    "parallel {",
    "a {",
    "b { activity noop }",
    "activity ",
    "after [a]",
    "trigger event ",
    "schedule \"@daily\" ",
    "if \"",
    "retry 3 times ",
    "on_fail: rollback ",
    "switch [",
    "for_each ",
    "input { x: ",
    "steps.a.output",
    "${",
    "30m",
    "-1",
    "null",
    "== 1",
];

fn survives(text: &str) {
    if let Err(faults) = read_all(text, "any.flow") {
        assert!(!faults.0.is_empty());
        for fault in &faults.0 {
            assert!(fault.line >= 1 && fault.column >= 1 && fault.width >= 1 && !fault.message.is_empty(), "{fault:?}");
        }
        assert!(!faults.render(text).is_empty());
    }
    if let Ok(once) = format(text, "any.flow") {
        assert_eq!(format(&once, "any.flow").as_ref(), Ok(&once), "formatted once more");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(5),
        ..ProptestConfig::default()
    })]

    #[test]
    fn random_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        survives(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn random_rubble_is_survived(pieces in proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..60)) {
        survives(&pieces.concat());
        survives(&format!("workflow w {{ steps {{ a {{ activity noop }} {} }} }}", pieces.concat()));
    }
}
