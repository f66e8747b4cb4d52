//! Checking an input before it is published, so that whoever starts something hears at once what is wrong with it.
//!
//! The engine checks again and has the last word: what is checked here may come from a program that does not.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use sagaline_model::{ExecutionId, Name, PlanHash};
use sagaline_schema::Schema;
use serde_json::Value;

use super::{Client, Error};

/// So many plans are remembered; then it begins anew. A program that starts more workflows than this in turn reads more.
const REMEMBERED_MAX: usize = 1000;

/// The schemas of the plans that were started, by the hashes of these: a plan never changes, whatever becomes of its version.
#[derive(Clone, Debug, Default)]
pub(super) struct Schemas(Arc<Mutex<BTreeMap<String, Option<Arc<Schema>>>>>);

impl Client {
    /// Refuses an input that does not fit, unless an execution of this id was started before: then that counts, not this.
    pub(super) async fn check_input(
        &self,
        workflow: &Name,
        (version, hash): (u32, &PlanHash),
        execution: &ExecutionId,
        input: &Value,
    ) -> Result<(), Error> {
        let Some(schema) = self.schema(workflow, version, hash).await? else { return Ok(()) };
        let checked = match super::refers(input) {
            true => schema.check(&self.resolve(input.clone()).await?),
            false => schema.check(input),
        };
        match checked {
            Ok(()) => Ok(()),
            Err(_) if self.stored_start(execution).await?.is_some() => Ok(()),
            Err(violations) => Err(Error::InvalidInput { workflow: workflow.clone(), version, violations }),
        }
    }

    async fn schema(&self, workflow: &Name, version: u32, hash: &PlanHash) -> Result<Option<Arc<Schema>>, Error> {
        let known = self.schemas.lock().get(&hash.0).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let definition = self.definition(workflow, version).await?;
        // What this version cannot make ready, the engine judges.
        let schema = definition.as_ref().and_then(|definition| definition.plan.checked_schema());
        let schema = schema.and_then(|schema| Schema::compile(schema).ok()).map(Arc::new);
        if definition.is_some_and(|definition| definition.hash == *hash) {
            let mut known = self.schemas.lock();
            if REMEMBERED_MAX <= known.len() {
                known.clear();
            }
            known.insert(hash.0.clone(), schema.clone());
        }
        Ok(schema)
    }
}

impl Schemas {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Option<Arc<Schema>>>> {
        // Whoever panicked left a map behind that is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
