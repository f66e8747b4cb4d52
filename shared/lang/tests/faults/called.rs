//! What .flow calls otherwise than YAML is told by the word that the file has.

use sagaline_lang::read;

/// What is told first of a definition, without its place.
#[track_caller]
fn first_told(source: &str) -> String {
    match read(source, "order.flow") {
        Ok(definition) => definition.warnings.first().expect("a warning").message.clone(),
        Err(faults) => faults.0[0].message.clone(),
    }
}

#[test]
fn a_fault_names_the_word_that_is_written() {
    let of_top = [
        ("retry { max_attempts \"three\" }", "`max_attempts` must be a whole number, not text"),
        ("retry { max_attempts\n\"three\" }", "`max_attempts` must be a whole number, not text"),
        ("retry { initial_interval\n\"soon\" }", "`initial_interval`: `soon` is not a duration"),
        ("retry { initial_interval:\n5 }", "`initial_interval` needs a unit"),
        ("retry { backoff_multiplier\n\"two\" }", "`backoff_multiplier` must be a number, not text"),
        ("retry { backoff_multiplier\n\"0\" }", "`backoff_multiplier` must be a number, not text"),
        (
            "retry { backoff fixed, backoff_multiplier:\n2 }",
            "`backoff_multiplier` has an effect with `backoff: exponential` only",
        ),
        ("retry { max 1s, initial_interval 5s }", "`max` (1s) is below `initial_interval` (5s), so every delay is 1s"),
        ("retry 0", "`retry` must be a whole number from 1 on, not `0`"),
        ("schedule \"0 25 * * *\"", "`schedule`: 25 is out of range in the field `hour`, column 3 of `0 25 * * *`"),
        ("schedule:\n5", "`schedule` must be text, not a number"),
        (
            "schedule [\n\"0 6 * * *\"\n\"0 25 * * *\"\n]",
            "`schedule[1]`: 25 is out of range in the field `hour`, column 3 of `0 25 * * *`",
        ),
        ("trigger schedule 5", "`schedule` must be text, not a number"),
        ("trigger event 5", "`event` must be text, not a number"),
        ("trigger:\n5", "`trigger` must be text, not a number"),
        ("trigger [5]", "`trigger` must be `manual`, a map or a list of them, not a number"),
        ("trigger event x { if:\n{} }", "`if` must be a condition, not a map"),
        ("on [5]", "`on` must be `manual`, a map or a list of them, not a number"),
        ("on_complete { after x }", "step `on_complete` has no `activity`"),
        ("on_fail { timeout 5s }", "step `on_fail` has no `activity`"),
        (
            "on_complete a..b",
            "`on_complete`: `a..b` contains `.`; letters, digits, `_` and `-` are allowed, and single dots between them",
        ),
        ("on_complete 5", "this says nothing that can be done"),
        ("updates { u { if:\n5 } }", "`if` must be a condition, not a number"),
    ];
    for (written, expected) in of_top {
        let told = first_told(&format!("workflow w {{\n{written}\nsteps {{ a {{ activity noop }} }}\n}}\n"));
        assert_eq!(told, expected, "{written}");
    }
    let of_step = [
        ("activity noop, if\n{ }", "`if` must be a condition, not a map"),
        ("activity noop, if: [\n1\n]", "`if` must be a condition, not a list"),
        ("activity noop, if \"${ a\"", "`if` must be one `${…}` with nothing around it"),
        ("activity noop, as:\n\"a b\"", "`as`: `a b` contains ` `; letters, digits, `_` and `-` are allowed"),
        ("call 5 { x: 1 }", "`call` must be text, not a number"),
        ("call \"\" { x: 1 }", "`call`: a name may not be empty"),
        ("check\n[ 1 ]", "`check` must be a condition, not a list"),
        ("check \"${ a\"", "`check` must be one `${…}` with nothing around it"),
        ("await { event x, if:\n5 }", "`if` must be a condition, not a number"),
        ("switch [ { if:\n{ }, steps { b { activity noop } } } ]", "`if` must be a condition, not a map"),
        // One that is written as in all forms, beside one that is not.
        ("activity noop, if 1 < 2, when\n{ }", "`when` is given twice in the same map"),
    ];
    for (written, expected) in of_step {
        let told = first_told(&format!("workflow w {{\nsteps {{ a {{ {written} }} }}\n}}\n"));
        assert_eq!(told, expected, "{written}");
    }
    let of_job = [
        ("task:\n5", "`task` must be text, not a number"),
        ("task [a]", "`task` must be text, not a list"),
        ("task \"\"", "`task`: a name may not be empty"),
    ];
    for (written, expected) in of_job {
        assert_eq!(first_told(&format!("job j {{ {written} }}\n")), expected, "{written}");
    }
}

/// The words of all forms stay what they are where they are written.
#[test]
fn a_word_of_all_forms_is_told_as_it_is() {
    let told = [
        ("retry { attempts\n\"three\" }", "`attempts` must be a whole number, not text"),
        ("retry { initial\n\"soon\" }", "`initial`: `soon` is not a duration"),
        ("on_success { timeout 5s }", "step `on_success` has no `activity`"),
    ];
    for (written, expected) in told {
        let told = first_told(&format!("workflow w {{\n{written}\nsteps {{ a {{ activity noop }} }}\n}}\n"));
        assert_eq!(told, expected, "{written}");
    }
}

/// A zone that cannot be read hides nothing of what it is the zone of.
#[test]
fn a_cron_expression_is_looked_at_whatever_its_zone_is() {
    let source = "workflow w\n{ schedule \"0 25 * * *\", timezone 5\nsteps { a { activity noop } } }";
    let faults = read(source, "order.flow").expect_err("two faults");
    let told: Vec<&str> = faults.0.iter().map(|fault| fault.message.as_str()).collect();
    assert_eq!(
        told,
        [
            "`schedule`: 25 is out of range in the field `hour`, column 3 of `0 25 * * *`",
            "`timezone` must be text, not a number",
        ]
    );
}
