//! Applying a definition: every version is written once and never changed, and then the newest is named.

use bytes::Bytes;
use sagaline_broker::{
    names::Names,
    ports::{Bucket, Message, Sequence},
};
use sagaline_events::record::{Definition, Latest};
use sagaline_model::{Moment, Name, Plan, PlanHash};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Client, Error, publish::Written};

/// So often the newest version may be changed by others while we try to.
const TRIES_MAX: u32 = 100;

/// What an apply came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    pub workflow: Name,
    pub version: u32,
    pub change: Change,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The first version of this workflow.
    Created,
    /// A new version.
    Changed,
    /// The newest version is this plan already.
    Unchanged,
}

/// A version of a workflow, at a glance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Version {
    pub version: u32,
    pub hash: PlanHash,
    pub applied_at: Moment,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    pub steps: usize,
}

impl Client {
    /// Makes the plan the newest version of its workflow, and has the queues that it names. `source` is the text it was
    /// compiled from, kept for people. Its steps pass the gates of their queues from then on, as operators have set them.
    ///
    /// Two applies at once are both right: one comes first. An apply that died between its two writes is completed by the next
    /// one of the same plan; that of another plan goes past the number it took.
    pub async fn apply(&self, plan: &Plan, source: Option<&str>) -> Result<Applied, Error> {
        self.ensure_queues(plan).await?;
        let plan = &self.with_gates_of_queues(plan).await?;
        let (workflow, hash) = (&plan.workflow, plan.hash());
        let applied = |version, change| Applied { workflow: workflow.clone(), version, change };
        // The number under which our definition lies, once it does.
        let mut ours: Option<u32> = None;
        for _ in 0..TRIES_MAX {
            let latest = self.latest(workflow).await?;
            let change = if latest.is_some() { Change::Changed } else { Change::Created };
            let (revision, newest) = match latest {
                None => (0, 0),
                Some((_, latest)) if latest.hash == hash => return Ok(applied(latest.version, Change::Unchanged)),
                // Ours became the newest, and was followed by another before we saw it.
                Some((_, latest)) if ours.is_some_and(|ours| ours <= latest.version) => {
                    return Ok(applied(ours.unwrap_or(latest.version), Change::Changed));
                }
                Some((revision, latest)) => (revision, latest.version),
            };
            let version = match ours {
                Some(version) => version,
                None => self.write_definition(plan, source, newest + 1).await?,
            };
            ours = Some(version);
            let latest = Latest { version, hash: hash.clone() };
            let attempt = format!("name version {version} of `{workflow}` the newest");
            let key = Names::latest_key(workflow.as_str());
            if let Written::Stored(_) = self.write(&key, revision, &latest, &attempt).await? {
                return Ok(applied(version, change));
            }
        }
        Err(Error::Contended { attempt: format!("apply `{workflow}`") })
    }

    /// The newest version of a workflow, if it is applied.
    pub async fn newest_version(&self, workflow: &Name) -> Result<Option<u32>, Error> {
        Ok(self.latest(workflow).await?.map(|(_, latest)| latest.version))
    }

    /// The newest version of a workflow, and the revision of that value.
    pub(super) async fn latest(&self, workflow: &Name) -> Result<Option<(Sequence, Latest)>, Error> {
        self.read(&Names::latest_key(workflow.as_str())).await
    }

    /// A version of a workflow.
    pub async fn definition(&self, workflow: &Name, version: u32) -> Result<Option<Definition>, Error> {
        let found = self.read(&Names::definition_key(workflow.as_str(), version)).await?;
        Ok(found.map(|(_, definition)| definition))
    }

    /// Every workflow that is applied, with its newest version, in the order of their names.
    pub async fn workflows(&self) -> Result<Vec<(Name, Latest)>, Error> {
        let filter = self.names().key(Bucket::Definitions, &Names::latest_key("*"));
        let stream = self.names().bucket_stream(Bucket::Definitions);
        let mut pages = self.pages(&stream, filter, 1, "read the bucket `definitions`".to_owned()).await?;
        let mut workflows = vec![];
        let mut more = 0 < pages.count();
        while more {
            let page = pages.next(500).await?;
            more = page.last().is_some_and(|(position, _)| 0 < position.pending);
            workflows.extend(page.iter().filter_map(|(_, message)| newest(&message.subject, &message.payload)));
        }
        pages.close().await;
        workflows.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(workflows)
    }

    /// That a workflow is not applied, with the one that may have been meant.
    pub async fn unknown_workflow(&self, workflow: &Name) -> Error {
        // Where they cannot be listed, what is wrong is still that this one is not there.
        let known = self.workflows().await.unwrap_or_default();
        let near = sagaline_lang::nearest(workflow.as_str(), known.iter().map(|(name, _)| name.as_str()));
        let near = known.iter().map(|(name, _)| name).find(|name| Some(name.as_str()) == near);
        Error::UnknownWorkflow { workflow: workflow.clone(), near: near.cloned() }
    }

    /// Every version of a workflow, the oldest first.
    pub async fn versions(&self, workflow: &Name) -> Result<Vec<Version>, Error> {
        let filter = self.names().key(Bucket::Definitions, &format!("{workflow}.*"));
        let stream = self.names().bucket_stream(Bucket::Definitions);
        let mut pages = self.pages(&stream, filter, 1, "read the bucket `definitions`".to_owned()).await?;
        let mut versions = vec![];
        let mut more = 0 < pages.count();
        while more {
            let page = pages.next(100).await?;
            more = page.last().is_some_and(|(position, _)| 0 < position.pending);
            versions.extend(page.iter().filter_map(|(position, message)| {
                let Definition { version, hash, plan, .. } = serde_json::from_slice(&message.payload).ok()?;
                Some(Version { version, hash, applied_at: position.time, steps: plan.nodes().len(), note: plan.note })
            }));
        }
        pages.close().await;
        versions.sort_by_key(|version| version.version);
        Ok(versions)
    }

    /// Writes the definition under the first number from `version` on that is free, or that holds this very plan.
    async fn write_definition(&self, plan: &Plan, source: Option<&str>, mut version: u32) -> Result<u32, Error> {
        let workflow = &plan.workflow;
        let mut definition = Definition {
            workflow: workflow.clone(),
            version,
            hash: plan.hash(),
            plan: plan.clone(),
            source: source.map(str::to_owned),
        };
        for _ in 0..TRIES_MAX {
            definition.version = version;
            let key = Names::definition_key(workflow.as_str(), version);
            let attempt = format!("store version {version} of `{workflow}`");
            if let Written::Stored(_) = self.write(&key, 0, &definition, &attempt).await? {
                return Ok(version);
            }
            if self.definition(workflow, version).await?.is_some_and(|there| there.hash == definition.hash) {
                return Ok(version);
            }
            version += 1;
        }
        Err(Error::Contended { attempt: format!("store a version of `{workflow}`") })
    }

    async fn write(
        &self,
        key: &str,
        expected: Sequence,
        value: &impl Serialize,
        attempt: &str,
    ) -> Result<Written, Error> {
        let payload = serde_json::to_vec(value).expect("definitions have string keys only");
        let subject = self.names().key(Bucket::Definitions, key);
        let payload = Bytes::from(payload);
        let message = Message { subject, expected: Some(expected), msg_id: None, ttl: None, headers: vec![], payload };
        self.publish(&message, attempt).await
    }

    async fn read<T: DeserializeOwned>(&self, key: &str) -> Result<Option<(Sequence, T)>, Error> {
        let Some((revision, value)) = self.connection.value(Bucket::Definitions, key).await? else { return Ok(None) };
        match serde_json::from_slice(&value) {
            Ok(value) => Ok(Some((revision, value))),
            Err(source) => Err(Error::Unreadable { what: format!("`{key}` of bucket `definitions`"), source }),
        }
    }

    /// The plan as it is applied: with what is said about the queues of its steps.
    async fn with_gates_of_queues(&self, plan: &Plan) -> Result<Plan, Error> {
        let mut plan = plan.clone();
        let queues: Vec<Name> = plan.queues().into_iter().cloned().collect();
        for queue in queues {
            let settings = self.connection.queue_settings(&queue).await?;
            plan.add_gates_of_queue(&queue, &settings.gates(&queue));
        }
        Ok(plan)
    }

    async fn ensure_queues(&self, plan: &Plan) -> Result<(), Error> {
        for queue in plan.queues() {
            self.ensure_queue(queue).await?;
        }
        Ok(())
    }

    /// A queue that is there stays as it is; a new one is made as the queue `default` is.
    pub(super) async fn ensure_queue(&self, queue: &Name) -> Result<(), Error> {
        Ok(self.connection.make_queue(queue).await?)
    }
}

/// What a key of the bucket says of its workflow; nothing if it was removed.
fn newest(subject: &str, value: &[u8]) -> Option<(Name, Latest)> {
    let workflow = subject.rsplit('.').nth(1)?;
    Some((Name::new(workflow).ok()?, serde_json::from_slice(value).ok()?))
}
