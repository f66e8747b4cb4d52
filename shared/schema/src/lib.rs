//! JSON Schemas with bounds: what an input must look like, and every way in which one does not.
//!
//! A schema comes from whoever writes a definition, and an input from anyone; one owner checks the inputs of many executions
//! in turn. So both what a schema may be and what a check may cost are bounded, by counting and never by time: the verdict on
//! an input is the same on every machine. Values in, values out: nothing is fetched, no file is read.
//!
//! The dialect is JSON Schema 2020-12. `format` is checked, `default` is not applied.

mod check;
mod fault;
mod keywords;
mod limits;
mod outline;
mod violation;

use jsonschema::{Draft, PatternOptions, ValidationOptions, Validator};
use serde_json::Value;

pub use self::{
    fault::{Fault, Severity},
    keywords::all as keywords,
    limits::{DEEPEST, EFFORT_MAX, LARGEST_BYTES, MOST_RULES, MOST_VIOLATIONS},
    violation::{Violation, Violations},
};

/// A schema made ready to check inputs.
#[derive(Debug)]
pub struct Schema {
    validator: Validator,
    /// How many rules it has, with everything that it refers to written out.
    rules: usize,
}

impl Schema {
    /// Makes a schema ready. `Err`: it has faults, of which at least one is an error.
    pub fn compile(schema: &Value) -> Result<Self, Vec<Fault>> {
        let outline = outline::of(schema);
        let mut faults = outline.faults;
        if !outline.is_too_much {
            faults.extend(outline::against_the_dialect(schema));
        }
        if fault::has_error(&faults) {
            return Err(faults);
        }
        match options().build(schema) {
            Ok(validator) => Ok(Self { validator, rules: outline.rules }),
            Err(error) => Err(vec![Fault::error(error.instance_path().as_str(), error.to_string())]),
        }
    }

    /// Everything that is wrong or doubtful about a schema, in the order of the places.
    pub fn faults(schema: &Value) -> Vec<Fault> {
        let mut faults = match Self::compile(schema) {
            Ok(_) => outline::of(schema).faults,
            Err(faults) => faults,
        };
        faults.sort_by(|a, b| a.at.cmp(&b.at));
        faults
    }

    /// Every way in which an input does not fit. The order is that of the places in it.
    pub fn check(&self, input: &Value) -> Result<(), Violations> {
        check::check(&self.validator, self.rules, input)
    }
}

fn options() -> ValidationOptions<'static> {
    let patterns = PatternOptions::regex().size_limit(limits::LARGEST_PATTERN_BYTES);
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .with_pattern_options(patterns)
        .offline()
}
