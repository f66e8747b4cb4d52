//! Whatever can be written is read back as the same.

use proptest::{prelude::*, test_runner::RngSeed};
use sagaline_fuzz::documents::definition;
use sagaline_lang::{documents, read, to_yaml, yaml};

fn tapes() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..900)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 500,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(7),
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_document_is_read_back_as_it_was_written(tape in tapes()) {
        let document = definition(&tape);
        let text = yaml(std::slice::from_ref(&document));
        let back = documents(&text, "random.yaml");
        prop_assert_eq!(back.as_deref(), Ok(&[document][..]), "{}", text);
    }

    #[test]
    fn a_random_definition_is_written_back_to_an_equal_plan(tape in tapes()) {
        let text = yaml(&[definition(&tape)]);
        let plan = match read(&text, "random.yaml") {
            Ok(definition) => definition.plan,
            Err(faults) => return Err(TestCaseError::fail(format!("{}\n\n{text}", faults.render(&text)))),
        };
        let written = to_yaml(&plan).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        let back = read(&written, "written.yaml").map(|definition| definition.plan);
        prop_assert_eq!(back.as_ref().map(sagaline_model::Plan::hash), Ok(plan.hash()), "{}\n\n{}", text, written);
    }
}

#[test]
fn every_definition_that_people_are_shown_is_written_back_to_an_equal_plan() {
    for (name, text) in sagaline_fuzz::shown::definitions().expect("they can be read") {
        for definition in sagaline_lang::read_all(&text, &name).expect("a definition") {
            let written = to_yaml(&definition.plan).unwrap_or_else(|error| panic!("{name}: {error}"));
            let back = read(&written, &name).expect("a definition").plan;
            assert_eq!(back, definition.plan, "{name}\n{written}");
        }
    }
}
