//! Workflows that programs write: what the builder and the macros make is what a file of the same steps gives.

mod census;
mod faults;
mod kinds;
mod macros;
mod nested;
mod patterns;
mod rows;
mod starts;
mod top;
mod values;

use sagaline_sdk::workflow::Workflow;

/// A workflow, and the same as YAML.
pub(crate) type Row = (Workflow, &'static str);

/// The plan of both is the same, and so is its hash.
#[track_caller]
pub(crate) fn assert_same((workflow, yaml): Row) {
    let built = workflow.build().unwrap_or_else(|error| panic!("{error}\n{}", workflow.source()));
    let read = sagaline_lang::read(yaml, "row.yaml").unwrap_or_else(|faults| panic!("{}", faults.render(yaml)));
    assert_eq!(built.plan(), &read.plan, "{}", built.source());
    assert_eq!(built.plan().hash(), read.plan.hash());
    assert_eq!(built.warnings().len(), read.warnings.len());
}
