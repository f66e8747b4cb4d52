//! What may be sent to an execution and asked of it, made ready: schemas of signals, queries, updates.

use std::collections::BTreeMap;

use sagaline_expr::{Expression, Lookup, Scope, Template};
use sagaline_model::{Exchange, Name, StepError};
use sagaline_schema::Schema;
use serde_json::{Map, Value};

use crate::{
    compiled::{CompileError, Compiled, expression_of, template},
    contract::{misfit, told_of},
    data::Data,
    state::{Execution, Run, Stage},
    weight,
};

/// The answer of an update is kept for those who ask for it, in the state of the execution.
const HEAVIEST_RESULT: usize = 32 * 1024;

/// The record of an execution keeps what its queries gave in the end, as long as they give no more than this.
const HEAVIEST_KEPT: usize = 64 * 1024;

#[derive(Debug, Default)]
pub(crate) struct CompiledExchange {
    signals: BTreeMap<Name, Schema>,
    queries: BTreeMap<Name, Template>,
    updates: BTreeMap<Name, CompiledUpdate>,
}

#[derive(Debug)]
struct CompiledUpdate {
    schema: Option<Schema>,
    when: Option<Expression>,
    set: Template,
    result: Template,
}

impl CompiledExchange {
    pub(crate) fn new(exchange: &Exchange) -> Result<Self, CompileError> {
        let mut compiled = Self::default();
        for (name, rule) in &exchange.signals {
            if let Some(schema) = schema_of(name, rule.schema.as_ref())? {
                compiled.signals.insert(name.clone(), schema);
            }
        }
        for (name, query) in &exchange.queries {
            compiled.queries.insert(name.clone(), template(name.as_str(), query)?);
        }
        for (name, rule) in &exchange.updates {
            let update = CompiledUpdate {
                schema: schema_of(name, rule.schema.as_ref())?,
                when: rule.when.as_deref().map(|text| expression_of(name.as_str(), text)).transpose()?,
                set: template(name.as_str(), &rule.set)?,
                result: template(name.as_str(), &rule.result)?,
            };
            compiled.updates.insert(name.clone(), update);
        }
        Ok(compiled)
    }
}

fn schema_of(of: &Name, schema: Option<&Value>) -> Result<Option<Schema>, CompileError> {
    let fault = |faults: Vec<_>| CompileError::SchemaOf { of: of.clone(), why: told_of(&faults) };
    schema.map(Schema::compile).transpose().map_err(fault)
}

impl Compiled {
    /// Why the data of a signal may not be taken; nothing if it may.
    pub(crate) fn refusal_of_signal(&self, name: &Name, data: &Value) -> Option<StepError> {
        let schema = self.exchange.signals.get(name)?;
        let what = format!("the data of the signal `{name}` does not fit its schema");
        misfit(schema, data, StepError::INVALID_SIGNAL, &what)
    }

    /// What an update sets, and what it answers, or why it is refused. Nothing has been changed yet.
    pub(crate) fn update(&self, name: &Name, data: &Value, scope: Data<'_>) -> Result<Change<'_>, StepError> {
        let Some(update) = self.exchange.updates.get(name) else {
            return Err(unknown("update", name, &self.plan.workflow, self.exchange.updates.keys()));
        };
        if let Some(schema) = &update.schema {
            let what = format!("the data of the update `{name}` does not fit its schema");
            if let Some(error) = misfit(schema, data, StepError::REFUSED, &what) {
                return Err(error);
            }
        }
        let scope = WithUpdate { data: scope, update: data };
        let fault = |fault: sagaline_expr::EvalError| StepError::new(StepError::EXPRESSION, fault.to_string()).final_();
        let holds = update.when.as_ref().map_or(Ok(true), |when| when.condition(&scope)).map_err(fault)?;
        if !holds {
            let when = update.when.as_ref().map_or("", Expression::source);
            let message = format!("the update `{name}` is refused now: `{when}` does not hold");
            return Err(StepError::new(StepError::REFUSED, message).final_());
        }
        let set = match update.set.render(&scope).map_err(fault)? {
            Value::Object(map) => map,
            Value::Null => Map::new(),
            other => {
                let message = format!("the update `{name}` sets {other}, which is no map");
                return Err(StepError::new(StepError::EXPRESSION, message).final_());
            }
        };
        Ok(Change { name: name.clone(), set, result: &update.result })
    }
}

/// An update that may be made.
pub(crate) struct Change<'p> {
    name: Name,
    pub(crate) set: Map<String, Value>,
    result: &'p Template,
}

impl Change<'_> {
    /// What is answered, once the values are set.
    pub(crate) fn result(&self, scope: Data<'_>, update: &Value) -> Result<Value, StepError> {
        let result = self.result.render(&WithUpdate { data: scope, update });
        let result = result.map_err(|fault| StepError::new(StepError::EXPRESSION, fault.to_string()).final_())?;
        let weight = weight::of(&result);
        if weight <= HEAVIEST_RESULT {
            return Ok(result);
        }
        let (name, limit) = (&self.name, HEAVIEST_RESULT / 1024);
        let message =
            format!("the update `{name}` gave {} KiB, more than the {limit} KiB that are kept", weight / 1024);
        Err(StepError::new(StepError::TOO_LARGE, message).final_())
    }
}

/// The same, and the data of an update.
struct WithUpdate<'a> {
    data: Data<'a>,
    update: &'a Value,
}

impl Scope for WithUpdate<'_> {
    fn lookup<'s>(&'s self, path: &[String]) -> Lookup<'s> {
        match path.first().map(String::as_str) {
            Some("update") => Lookup::at(1, self.update),
            Some(_) | None => self.data.lookup(path),
        }
    }
}

/// What every query gives at the end. One that fails gives nothing, and all give nothing if that is too much to keep.
pub(crate) fn last_words(id: &sagaline_model::ExecutionId, run: &Run, plan: crate::Nodes<'_>) -> BTreeMap<Name, Value> {
    let data = Data::new(id, run, plan);
    let queries = plan.exchange.queries.iter();
    let given: BTreeMap<Name, Value> =
        queries.filter_map(|(name, query)| Some((name.clone(), query.render(&data).ok()?))).collect();
    let weight: usize = given.iter().map(|(name, value)| weight::of_pair(name.as_str(), value)).sum();
    if weight <= HEAVIEST_KEPT { given } else { BTreeMap::new() }
}

impl Execution {
    /// What a query gives; nothing if the execution has not started. `plan` is that of [`Execution::plan`].
    pub fn query(&self, plan: Option<&Compiled>, name: &Name) -> Option<Result<Value, StepError>> {
        match (&self.stage, plan) {
            (Stage::Unborn(_) | Stage::Unbound { .. }, _) => None,
            (Stage::Running(run) | Stage::Parked { run, .. }, Some(plan)) => {
                let Some(query) = plan.exchange.queries.get(name) else {
                    return Some(Err(unknown("query", name, &run.workflow, plan.exchange.queries.keys())));
                };
                let given = query.render(&Data::new(&self.id, run, self.nodes(plan)));
                Some(given.map_err(|fault| StepError::new(StepError::EXPRESSION, fault.to_string()).final_()))
            }
            (Stage::Running(_) | Stage::Parked { .. }, None) => None,
            (Stage::Over(over), _) => Some(over.queries.get(name).cloned().ok_or_else(|| {
                let of = format!("{} (which has ended)", over.workflow);
                unknown("query", name, of, over.queries.keys())
            })),
        }
    }
}

fn unknown<'n>(
    what: &str,
    name: &Name,
    workflow: impl std::fmt::Display,
    known: impl Iterator<Item = &'n Name>,
) -> StepError {
    let known: Vec<String> = known.map(|name| format!("`{name}`")).collect();
    let known = match known.as_slice() {
        [] => "it has none".to_owned(),
        known => format!("it has {}", known.join(", ")),
    };
    StepError::new(StepError::UNKNOWN_NAME, format!("`{workflow}` has no {what} `{name}`; {known}")).final_()
}
