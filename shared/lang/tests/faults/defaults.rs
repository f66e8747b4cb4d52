//! What people are told about defaults of an installation that cannot be.

use sagaline_lang::read_defaults;

#[track_caller]
fn told(text: &str, expected: &str) {
    let told = read_defaults(text, "defaults").expect_err("faults").to_string();
    assert!(told == expected, "told:\n{told}\n\nexpected:\n{expected}");
}

#[test]
fn what_no_default_can_be_is_told_with_its_place() {
    told(
        "step_timeout: 5\nretry: { attempts: 0, initial: '${ 1 }', backof: fixed }\nqueue: slow\n",
        "defaults:1:15: `step_timeout` needs a unit\n  hint: say of what: `5s`, `5m`, `5h`\n\
         defaults:2:20: `attempts` must be a whole number from 1 on, not `0`\n  \
         hint: it counts runs: 1 means one run and no retry\n\
         defaults:2:32: the defaults of an installation hold no `${…}`\n  \
         hint: they are the same for every workflow; a definition of its own may say `${…}`\n\
         defaults:2:42: unknown key `backof` in `retry`\n  hint: did you mean `backoff`?\n\
         defaults:3:1: unknown key `queue` in the defaults\n  \
         hint: known here: timeout, step_timeout, retry, concurrency",
    );
}

#[test]
fn defaults_are_one_map() {
    let hint = "\n  hint: for example `{ step_timeout: 5m, retry: { attempts: 3 } }`, or `{}` for none";
    told("[]", &format!("defaults:1:1: the defaults are a map, not a list{hint}"));
    told("", &format!("defaults:1:1: the defaults are one map{hint}"));
    told("timeout: 1d\n---\ntimeout: 2d\n", &format!("defaults:1:1: the defaults are one map{hint}"));
}

#[test]
fn what_has_no_effect_is_told_but_taken() {
    let (_, warnings) = read_defaults("retry: { initial: 5m, max: 1m }", "defaults").expect("defaults");
    assert_eq!(warnings[0].message, "`max` (1m) is below `initial` (5m), so every delay is 1m");
}
