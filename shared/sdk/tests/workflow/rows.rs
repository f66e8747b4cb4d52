//! Every row of every table.

use crate::{Row, kinds, patterns, starts, top};

pub(crate) fn all() -> Vec<Row> {
    [kinds::rows(), starts::rows(), top::rows(), patterns::rows()].concat()
}

#[test]
fn what_the_builder_makes_is_what_the_file_gives() {
    all().into_iter().for_each(crate::assert_same);
}

#[test]
fn a_workflow_says_its_own_text_which_gives_the_same_again() {
    for (workflow, _) in all() {
        let built = workflow.build().expect("it can be built");
        let again = sagaline_lang::read(built.source(), "again.yaml").expect("it is read");
        assert_eq!(&again.plan, built.plan());
        assert_eq!(built.source(), workflow.source());
    }
}
