//! The canonical form: the same plan, the same comments, and no change the second time.

use proptest::{prelude::*, test_runner::RngSeed};
use sagaline_lang::{format, read_all};

/// What is told of a text but the places: two texts that mean the same agree in it.
fn meaning(source: &str) -> Result<Vec<sagaline_model::Plan>, usize> {
    match read_all(source, "x.flow") {
        Ok(definitions) => Ok(definitions.into_iter().map(|definition| definition.plan).collect()),
        Err(faults) => Err(faults.0.len()),
    }
}

/// What stands behind `//` outside of quotes, in the order of the alphabet: formatting moves one to the line above at times.
fn comments(source: &str) -> Vec<String> {
    let (mut comments, mut rest) = (vec![], source);
    while let Some(at) = rest.find(['"', '\'', '/']) {
        rest = &rest[at..];
        rest = match rest {
            _ if rest.starts_with("//") => {
                let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
                comments.push(rest[..end].trim_end().to_owned());
                &rest[end..]
            }
            _ if rest.starts_with("\"\"\"") => &rest[rest[3..].find("\"\"\"").map_or(rest.len(), |end| end + 6)..],
            _ if rest.starts_with('"') => {
                let inner = rest[1..].replace("\\\\", "__").replace("\\\"", "__");
                &rest[inner.find('"').map_or(rest.len(), |end| end + 2)..]
            }
            _ if rest.starts_with('\'') => &rest[rest[1..].find('\'').map_or(rest.len(), |end| end + 2)..],
            _ => &rest[1..],
        };
    }
    comments.sort();
    comments
}

#[track_caller]
fn formats(source: &str, expected: &str) {
    let formatted = formatted(source);
    assert!(formatted == expected, "formatted:\n{formatted}\n\nexpected:\n{expected}");
}

#[track_caller]
fn formatted(source: &str) -> String {
    let formatted = format(source, "x.flow").unwrap_or_else(|faults| panic!("{}", faults.render(source)));
    assert_eq!(meaning(source), meaning(&formatted), "{source}\n\nformatted:\n{formatted}");
    assert_eq!(comments(source), comments(&formatted), "{source}\n\nformatted:\n{formatted}");
    let again = format(&formatted, "x.flow").unwrap_or_else(|faults| panic!("{}", faults.render(&formatted)));
    assert!(again == formatted, "formatted:\n{formatted}\n\nonce more:\n{again}");
    formatted
}

#[test]
fn comments_between_stars_become_lines() {
    let source = r#"/* of the file */
/**
 * of the whole
 *
 * and more
 */
workflow order { /* opened */
    steps {
        a { activity /* which */ noop, /* what */ input { x: 1 /* one */ } /* behind */ }
        /* above */ b { activity noop } /* several
           lines */ c { activity noop /* last */ }
    }
    /**/
}
"#;
    let expected = r#"// of the file
// of the whole
//
// and more
workflow order { // opened
    steps {
        a {
            // which
            activity noop
            // what
            input {
                x: 1 // one
            } // behind
        }
        // above
        b { activity noop }
        // several
        // lines
        c {
            activity noop // last
        }
    }
}
"#;
    let formatted = format(source, "x.flow").unwrap_or_else(|faults| panic!("{}", faults.render(source)));
    assert!(formatted == expected, "{formatted}");
    assert_eq!(meaning(source), meaning(expected));
}

#[test]
fn a_file_in_its_canonical_form() {
    formats(
        r#"
// the first


// of all
workflow   "order"{ // opened
trigger: event "order.created"   // when
  trigger schedule "0 6 * * *" {timezone: "UTC"}

  timeout:"24h",
  steps // on a line before
  {
    // the step
    validate: { activity: "x",
       input { a:1 b : "two", "c d": [1,2 , 3], e: { x: 1 }
         list: [ // of
           1 // one
           // two
           2
           // end
         ]
         empty {}
       }
       // the last
    }


    parallel { a { call: y.z { n: trigger.a + 1 } } "parallel" { query select X   where y } }
    update { update(a = 1), if: a > 1 && b
             emit: "no" }
  } // closed
}
// between
job j { task: "t", // the task
 retry: 3 times
}

// the end
"#,
        r#"// the first

// of all
workflow order { // opened
    trigger event "order.created" // when
    trigger schedule "0 6 * * *" { timezone "UTC" }

    timeout "24h"
    // on a line before
    steps {
        // the step
        validate {
            activity "x"
            input {
                a: 1
                b: "two"
                "c d": [1, 2, 3]
                e: { x: 1 }
                list: [ // of
                    1 // one
                    // two
                    2
                    // end
                ]
                empty: {}
            }
            // the last
        }

        parallel { a { call y.z { n: trigger.a + 1 } }, "parallel" { query select X   where y } }
        update {
            update(a = 1)
            if a > 1 && b
            emit "no"
        }
    } // closed
}

// between
job j {
    task "t" // the task
    retry 3 times
}

// the end
"#,
    );
}

#[test]
fn texts_of_several_lines_keep_their_value() {
    formats(
        "workflow w { steps { a { activity x input {\nt: \"\"\"\n one\n   two\n\n \"\"\"\nu: \"\"\"x\ny\"\"\" // c\nv: \"\"\"workflow.input.x\"\"\" } } } }",
        "workflow w {
    steps {
        a {
            activity x
            input {
                t: \"\"\"
                    one
                      two

                    \"\"\"
                u: \"\"\"
                    x
                    y\"\"\" // c
                v: 'workflow.input.x'
            }
        }
    }
}
",
    );
}

#[test]
fn what_cannot_be_read_is_not_formatted() {
    let faults = format("workflow w {", "x.flow").expect_err("not closed");
    assert_eq!(faults.0.len(), 1);
    formats("", "");
    formats("// only this", "// only this\n");
}

const PIECES: [&str; 60] = [
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    ":",
    ",",
    "\n",
    "\n\n",
    " ",
    " ",
    "// c\n",
    " // d\n",
    "workflow w",
    "job j",
    "\nworkflow x {",
    "steps {",
    "parallel {",
    "a {",
    "b {",
    "activity",
    "x",
    "\"x\"",
    "input {",
    "if",
    "a > b",
    "trigger",
    "event",
    "schedule",
    "manual",
    "retry",
    "3 times",
    "with",
    "linear",
    "call",
    "y.z",
    "\"steps.a.x\"",
    "'it''s'",
    "\"\"\"",
    "\"\"\"\n a\n  b\"\"\"",
    "5m",
    "-1",
    "2.5",
    "true",
    "null",
    "=",
    "==",
    "&&",
    "query select x",
    "update(x = 1)",
    "emit(X)",
    "check",
    "on_fail",
    "rollback",
    "\"",
    "\\",
    "/*",
    "#",
    "é",
];

const GOOD: &str = r#"// head
workflow w { // open
    trigger event "order.created" { when: trigger.total > 0, input { id: trigger.id } } // t
    // lead
    steps {
        a { call x.y { a: 1, b: [1, 2 /* no */], c: """
            text
              more
            """ } } // after a

        parallel { b { activity "x" } c { query select X where y } }
        d { for_each { items: a.list, as one }, check: one.n > 1, as: checked, retry 3 times with linear }
    }
    on_fail: emit(Failed)
}

job j { task t, schedule "0 * * * *" }
"#;

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn whatever_can_be_read_is_formatted_without_loss(pieces in proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..40)) {
        let inside = format!("workflow w {{ steps {{ a {{ {} }} }} }}", pieces.concat());
        for source in [pieces.concat(), inside] {
            if format(&source, "x.flow").is_ok() {
                formatted(&source);
            }
        }
    }

    #[test]
    fn a_good_file_with_changes_is_formatted_without_loss(
        changes in proptest::collection::vec((0..GOOD.len(), 0..6_usize, proptest::sample::select(&PIECES[..])), 0..4),
    ) {
        let mut source: Vec<char> = GOOD.replace(" /* no */", "").chars().collect();
        for (at, dropped, piece) in changes {
            let at = at.min(source.len());
            let end = (at + dropped).min(source.len());
            source.splice(at..end, piece.chars());
        }
        let source: String = source.into_iter().collect();
        if format(&source, "x.flow").is_ok() {
            formatted(&source);
        }
    }
}
