//! The plans that a person means: of a file, or of a workflow that is applied.

use std::path::{Path, PathBuf};

use sagaline_events::record::{Definition, ExecutionView};
use sagaline_model::{ExecutionId, Name, Plan};
use sagaline_sdk::client::{Client, Error};

use crate::{
    context::Context,
    failure::{Exit, Failure},
    files,
};

/// What definitions end in. No workflow has a name with a dot.
const HINT: &str = "name a workflow that is applied (`sagaline workflows` lists them), or a file such as ./order.yaml";

/// What a person means by a word that may be either.
#[derive(Debug, PartialEq)]
pub(crate) enum Meant {
    Workflow(Name),
    File(PathBuf),
}

/// A plan, and what is known of where it is from.
pub(crate) struct Found {
    pub(crate) plan: Plan,
    /// Nothing for one of a file.
    pub(crate) version: Option<u32>,
}

impl Meant {
    /// A name is a workflow's; what can be no name is a file. Who has a file that is called like a workflow is told which is meant.
    pub(crate) fn by(word: &str, context: &Context) -> Result<Self, Failure> {
        let path = Path::new(word);
        match Name::new(word) {
            Ok(_) if word == files::STDIN => Ok(Self::File(path.to_owned())),
            Ok(name) => {
                if path.exists() {
                    context.output.talk(&format!(
                        "`{word}` is taken as the workflow that is applied; write ./{word} for what is there of that name here"
                    ));
                }
                Ok(Self::Workflow(name))
            }
            Err(_) if path.exists() || word.contains(['/', '.']) => Ok(Self::File(path.to_owned())),
            Err(_) => {
                Err(Failure::new(Exit::Failed, format!("`{word}` is no file, and no workflow has such a name"))
                    .hint(HINT))
            }
        }
    }
}

/// The plans of a file, or of all files of a folder.
pub(crate) fn of_file(path: PathBuf, context: &Context) -> Result<Vec<Plan>, Failure> {
    let files = files::read(&[path], &context.output)?;
    let definitions = files.into_iter().flat_map(|file| file.definitions);
    Ok(definitions.map(|definition| definition.plan).collect())
}

/// The one plan of a file that is meant.
pub(crate) fn one_of_file(path: PathBuf, workflow: Option<&Name>, context: &Context) -> Result<Plan, Failure> {
    let shown = path.display().to_string();
    let mut plans = of_file(path, context)?;
    let names = || plans.iter().map(|plan| plan.workflow.to_string()).collect::<Vec<_>>().join(", ");
    let place = match workflow {
        Some(workflow) => plans.iter().position(|plan| plan.workflow == *workflow).ok_or_else(|| {
            Failure::bad_data(format!("`{shown}` has no workflow `{workflow}`")).hint(format!("it has {}", names()))
        })?,
        None if plans.len() == 1 => 0,
        None => {
            return Err(Failure::bad_data(format!("`{shown}` has {} workflows, and a picture shows one", plans.len()))
                .hint(format!("say which with --workflow: {}", names())));
        }
    };
    Ok(plans.swap_remove(place))
}

/// A version of a workflow that is applied; the newest if none is named.
pub(crate) async fn applied(client: &Client, workflow: &Name, version: Option<u32>) -> Result<Found, Failure> {
    let Some(latest) = client.newest_version(workflow).await? else {
        return Err(Failure::from(client.unknown_workflow(workflow).await).hint(HINT));
    };
    let version = version.unwrap_or(latest);
    match client.definition(workflow, version).await? {
        Some(Definition { plan, version, .. }) => Ok(Found { plan, version: Some(version) }),
        None => {
            let missing = Error::UnknownVersion { workflow: workflow.clone(), version, latest };
            Err(Failure::new(Exit::Failed, missing.to_string())
                .hint(format!("`sagaline definitions list {workflow}` shows which there are")))
        }
    }
}

/// An execution and the plan that it runs by.
pub(crate) async fn of_execution(client: &Client, execution: &ExecutionId) -> Result<(ExecutionView, Found), Failure> {
    let view = client.get(execution).await?.ok_or_else(|| Error::NotFound(execution.clone()))?;
    if view.job.is_some() {
        return Err(Failure::new(Exit::Failed, format!("`{execution}` is a job: it has no plan to show"))
            .hint(format!("`sagaline jobs get {execution}` shows it")));
    }
    let version = Some(view.version).filter(|version| 0 < *version);
    let found = applied(client, &view.workflow, version).await?;
    Ok((view, found))
}
