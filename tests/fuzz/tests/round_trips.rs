//! Whatever can be written is read back as the same.

use proptest::{prelude::*, test_runner::RngSeed};
use sagaline_fuzz::documents::definition;
use sagaline_lang::{Form, convert, documents, format, read, read_all, to_yaml, yaml};
use sagaline_model::Plan;

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
    fn a_random_definition_means_the_same_in_both_forms(tape in tapes()) {
        let text = yaml(&[definition(&tape)]);
        same_in_both_forms("random.yaml", &text).map_err(TestCaseError::fail)?;
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

#[test]
fn every_definition_that_people_are_shown_means_the_same_in_both_forms() {
    for (name, text) in sagaline_fuzz::shown::definitions().expect("they can be read") {
        let name = if name.ends_with(".yaml") { name } else { name + ".yaml" };
        same_in_both_forms(&name, &text).unwrap_or_else(|told| panic!("{name}: {told}"));
    }
}

/// From YAML to .flow, and from there back to YAML; and what is written as .flow is in its canonical form.
fn same_in_both_forms(name: &str, text: &str) -> Result<(), String> {
    let plans = |text: &str, file: &str| -> Result<Vec<Plan>, String> {
        let definitions = read_all(text, file).map_err(|faults| format!("{}\n{text}", faults.render(text)))?;
        Ok(definitions.into_iter().map(|definition| definition.plan).collect())
    };
    let meant = plans(text, name)?;
    let flow = convert(text, name, Form::Flow).map_err(|faults| faults.to_string())?;
    if plans(&flow, "converted.flow")? != meant {
        return Err(format!("{text}\nbecomes\n{flow}\nwhich means something else"));
    }
    let formatted = format(&flow, "converted.flow").map_err(|faults| faults.to_string())?;
    if formatted != flow {
        return Err(format!("{flow}\nis formatted as\n{formatted}"));
    }
    let back = convert(&flow, "converted.flow", Form::Yaml).map_err(|faults| faults.to_string())?;
    if plans(&back, "back.yaml")? != meant {
        return Err(format!("{flow}\nbecomes\n{back}\nwhich means something else"));
    }
    Ok(())
}
