//! What hunts kept is fed again, and a short hunt is made each time.

use sagaline_fuzz::{
    Form, corpus,
    hunt::{Hunt, Until, watched},
    shown,
    watchdog::Watchdog,
};

#[test]
fn everything_that_was_kept_is_survived() {
    let watchdog = Watchdog::keeping(corpus::folder());
    for form in Form::ALL {
        let texts = corpus::texts(&corpus::folder(), form).expect("the corpus");
        assert!(!texts.is_empty(), "{form:?}: nothing was kept");
        for (name, text) in texts {
            watched(&watchdog, form, &text).unwrap_or_else(|finding| panic!("{name}: {}", finding.what));
        }
    }
}

#[test]
fn a_short_hunt_finds_nothing() {
    for form in Form::ALL {
        let seeds = shown::seeds(form).expect("the seeds");
        let many = seeds.len() as u64;
        let result = Hunt::new(form, 1, seeds, &corpus::folder()).run(Until::Runs(many + 150));
        assert!(8 < result.signs, "{form:?}: {} kinds of answers are too few for a hunt", result.signs);
        let told: Vec<String> =
            result.findings.iter().map(|(text, finding)| format!("{}\n{text}", finding.what)).collect();
        assert_eq!(told, [] as [String; 0], "{form:?}");
    }
}

#[test]
fn what_does_not_hold_is_found() {
    let said = std::panic::catch_unwind(|| panic!("on purpose")).is_err();
    assert!(said, "panics can be caught here, which hunts rely on");
}
