//! Whatever form a definition is converted to, every comment comes with it, wherever it stood.

use proptest::{prelude::*, test_runner::RngSeed};
use sagaline_fuzz::{
    commented::{commented, lost},
    documents::definition,
    random::Random,
    shown,
};
use sagaline_lang::{Form, convert, format, read_all, yaml};
use sagaline_model::Plan;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 40,
        max_shrink_iters: 60,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(11),
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_comment_of_a_random_definition_is_in_the_other_form(
        tapes in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 1..3),
        seed in any::<u64>(),
    ) {
        let documents: Vec<_> = tapes.iter().map(|tape| definition(tape)).collect();
        let mut text = yaml(&documents);
        // Two of one name are no file.
        if read_all(&text, "random.yaml").is_err() {
            text = yaml(&documents[..1]);
        }
        let mut random = Random::new(seed);
        all_are_there(&mut random, &text, "random.yaml").map_err(TestCaseError::fail)?;
        let flow = convert(&text, "random.yaml", Form::Flow).expect("it has no fault");
        all_are_there(&mut random, &flow, "random.flow").map_err(TestCaseError::fail)?;
    }
}

#[test]
fn every_comment_of_what_people_are_shown_is_in_the_other_form() {
    let mut random = Random::new(3);
    for (name, text) in shown::definitions().expect("they can be read") {
        all_are_there(&mut random, &text, "shown.yaml").unwrap_or_else(|told| panic!("{name}: {told}"));
    }
    for text in shown::flows().expect("they can be read") {
        if read_all(&text, "shown.flow").is_ok() {
            all_are_there(&mut random, &text, "shown.flow").unwrap_or_else(|told| panic!("{told}"));
        }
    }
}

fn all_are_there(random: &mut Random, text: &str, name: &str) -> Result<(), String> {
    let (text, many) = commented(random, text, name, 5);
    if many == 0 {
        return Err(format!("no comment found a place in\n{text}"));
    }
    let (to, other) = match Form::of(name) {
        Form::Yaml => (Form::Flow, "other.flow"),
        Form::Flow => (Form::Yaml, "other.yaml"),
    };
    let there = converted(&text, name, to, other, many)?;
    let back = converted(&there, other, Form::of(name), name, many)?;
    drop(converted(&back, name, to, other, many)?);
    if to == Form::Flow && format(&there, other).as_deref() != Ok(&there) {
        return Err(format!("{there}\nis not in its canonical form"));
    }
    Ok(())
}

fn converted(text: &str, name: &str, to: Form, other: &str, many: usize) -> Result<String, String> {
    let converted = convert(text, name, to).map_err(|faults| format!("{}\n{text}", faults.render(text)))?;
    if plans(&converted, other)? != plans(text, name)? {
        return Err(format!("{text}\nbecomes\n{converted}\nwhich means something else"));
    }
    match lost(&converted, many) {
        Some(lost) => Err(format!("{lost}:\n{text}\nbecomes\n{converted}")),
        None => Ok(converted),
    }
}

fn plans(text: &str, name: &str) -> Result<Vec<Plan>, String> {
    let read = read_all(text, name).map_err(|faults| format!("{}\n{text}", faults.render(text)))?;
    Ok(read.into_iter().map(|definition| definition.plan).collect())
}
