//! Random definitions have every key of the language, and come to plans of every kind with everything that a plan may have.
//!
//! A field that is added to a plan does not compile here until it is looked for.

#[path = "census/keys.rs"]
mod keys;
#[path = "census/plans.rs"]
mod plans;

use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use sagaline_fuzz::documents::definition;
use sagaline_lang::{Document, read, yaml};

fn many() -> Vec<Document> {
    let mut runner = TestRunner::deterministic();
    let tapes = proptest::collection::vec(any::<u8>(), 0..900);
    (0..800).map(|_| definition(&tapes.new_tree(&mut runner).expect("a tape").current())).collect()
}

#[test]
fn every_key_of_the_language_is_made() {
    let mut census = keys::Census::new();
    many().iter().for_each(|document| census.count(document));
    assert_eq!(census.never_made(), [] as [String; 0]);
}

#[test]
fn everything_that_a_plan_may_have_is_made() {
    let mut census = plans::Census::default();
    for document in many() {
        let text = yaml(&[document]);
        census.plan(&read(&text, "random.yaml").unwrap_or_else(|faults| panic!("{faults}")).plan);
    }
    assert_eq!(census.never_made(), [] as [&str; 0]);
}
