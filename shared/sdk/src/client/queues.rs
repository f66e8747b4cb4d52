//! Queues, as an operator sees and sets them. What is said about a queue is stored first (bucket `settings`), then those consumers are
//! told that there are; a worker that makes a consumer meanwhile looks at what is said before and after. So whoever dies in between
//! has only to do it again.

use std::collections::{BTreeMap, BTreeSet};

use sagaline_broker::nats::{LineDepth, QueueDepth, QueuePurge, QueuePurged};
use sagaline_events::{
    ask::{Answer, Ask},
    queue_tally::{QueueCounts, QueueTally},
};
use sagaline_model::{ActivityName, Kind, Moment, Name, Node, Plan, QueuePause, QueueSettings};

use super::{Client, Error, ask::Asked};

/// An activity that no worker has served in a queue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WithoutWorker {
    pub queue: Name,
    pub activity: ActivityName,
}

/// How the attempts of all queues ended within the last hour, and how many come later, as the owners of the partitions counted them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueEnds {
    /// The latest since when an owner has counted.
    pub since: Option<Moment>,
    /// By name; a queue in which nothing ended, and to which nothing comes later, is not there.
    pub queues: BTreeMap<Name, QueueCounts>,
    /// Partitions of which nobody answered: what is on them is missing.
    pub silent: Vec<u32>,
}

/// A queue at this time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueView {
    pub queue: Name,
    pub settings: QueueSettings,
    /// Its share of workers that serve several queues and say nothing else.
    pub weight: u32,
    /// Tasks that nobody works on yet.
    pub pending: u64,
    /// Tasks that a worker has.
    pub active: u64,
    /// One for each activity that a worker has served.
    pub activities: Vec<ActivityView>,
}

/// The tasks of one activity in a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivityView {
    pub activity: String,
    pub pending: u64,
    pub active: u64,
    /// So many may be with workers at a time.
    pub limit: Option<u64>,
    pub paused: bool,
    /// Workers with room ask for more.
    pub asked_for: bool,
}

impl From<LineDepth> for ActivityView {
    fn from(line: LineDepth) -> Self {
        Self {
            activity: line.consumer.replace('~', "."),
            pending: line.pending,
            active: line.active,
            limit: line.most,
            paused: line.paused,
            asked_for: 0 < line.requests,
        }
    }
}

impl Client {
    /// All queues, by name.
    pub async fn queues(&self) -> Result<Vec<QueueView>, Error> {
        let mut queues = vec![];
        for depth in self.connection.queue_depths().await? {
            if let Ok(queue) = Name::new(depth.queue.as_str()) {
                queues.push(self.queue_view(queue, depth).await?);
            }
        }
        queues.sort_by(|a, b| a.queue.cmp(&b.queue));
        Ok(queues)
    }

    /// One of them.
    pub async fn queue(&self, queue: &Name) -> Result<QueueView, Error> {
        match self.connection.queue_depth(queue).await? {
            Some(depth) => self.queue_view(queue.clone(), depth).await,
            None => Err(Error::NoQueue(queue.clone())),
        }
    }

    /// What the steps of these plans ask for, and no worker has served so far: a worker makes a consumer of each activity that it serves. It may
    /// still come; so this is worth telling, and no reason to refuse anything.
    pub async fn without_worker<'p>(
        &self,
        plans: impl IntoIterator<Item = &'p Plan>,
    ) -> Result<Vec<WithoutWorker>, Error> {
        let asked: BTreeSet<WithoutWorker> = plans.into_iter().flat_map(asked_for).collect();
        let mut served: BTreeMap<Name, Vec<String>> = BTreeMap::new();
        for queue in asked.iter().map(|one| &one.queue) {
            if !served.contains_key(queue) {
                let depth = self.connection.queue_depth(queue).await?;
                let lines = depth.map(|depth| depth.lines).unwrap_or_default();
                let activities = lines.into_iter().map(|line| ActivityView::from(line).activity);
                served.insert(queue.clone(), activities.collect());
            }
        }
        let is_served = |one: &WithoutWorker| {
            served.get(&one.queue).is_some_and(|of| of.iter().any(|name| name == one.activity.as_str()))
        };
        Ok(asked.into_iter().filter(|one| !is_served(one)).collect())
    }

    /// Whether no worker has served an activity in a queue so far. As with plans, it is worth telling, and no reason to refuse anything.
    pub async fn is_without_worker(&self, queue: &Name, activity: &ActivityName) -> Result<bool, Error> {
        let depth = self.connection.queue_depth(queue).await?;
        let mut lines = depth.map(|depth| depth.lines).unwrap_or_default().into_iter();
        Ok(!lines.any(|line| ActivityView::from(line).activity == activity.as_str()))
    }

    async fn queue_view(&self, queue: Name, depth: QueueDepth) -> Result<QueueView, Error> {
        let settings = self.connection.queue_settings(&queue).await?;
        let weight = settings.weight.unwrap_or_else(|| QueueSettings::default_weight(&queue));
        let QueueDepth { pending, active, lines, .. } = depth;
        let activities = lines.into_iter().map(ActivityView::from).collect();
        Ok(QueueView { queue, settings, weight, pending, active, activities })
    }

    /// How attempts ended of late, and how many come later. Who does not answer at once is left out.
    pub async fn queue_ends(&self) -> Result<QueueEnds, Error> {
        let mut ends = QueueEnds::default();
        for partition in 0..self.partitions {
            let Asked::Answered(Answer::Queues(QueueTally { since, queues })) =
                self.ask(partition, &Ask::Queues).await?
            else {
                ends.silent.push(partition);
                continue;
            };
            ends.since = ends.since.max(since);
            for counts in queues {
                let none = || QueueCounts::none(counts.queue.clone());
                ends.queues.entry(counts.queue.clone()).or_insert_with(none).add(&counts);
            }
        }
        Ok(ends)
    }

    /// Makes a queue, unless it is there. Who applies a definition that names it, or submits a job to it, need not.
    pub async fn create_queue(&self, queue: &Name) -> Result<(), Error> {
        self.ensure_queue(queue).await
    }

    /// Lets nothing of a queue be handed out any more. Tasks go into it as ever, and those that workers have go on.
    pub async fn pause_queue(&self, queue: &Name, at: Moment, note: Option<String>) -> Result<(), Error> {
        self.consumers_of(queue).await?;
        // Who does it again, because it was broken off, does not take back what was said.
        let pause = |before: Option<QueuePause>| match (before, &note) {
            (Some(before), None) => before,
            (Some(before), Some(note)) => QueuePause { note: Some(note.clone()), ..before },
            (None, note) => QueuePause { at, note: note.clone() },
        };
        self.connection.change_queue(queue, |settings| settings.paused = Some(pause(settings.paused.take()))).await?;
        self.tell_consumers(queue, true).await
    }

    /// Lets it be handed out again.
    pub async fn resume_queue(&self, queue: &Name) -> Result<(), Error> {
        self.consumers_of(queue).await?;
        self.connection.change_queue(queue, |settings| settings.paused = None).await?;
        self.tell_consumers(queue, false).await
    }

    async fn tell_consumers(&self, queue: &Name, paused: bool) -> Result<(), Error> {
        // Those that are made from now on read what was stored.
        for consumer in self.consumers_of(queue).await? {
            self.connection.pause_consumer(queue, &consumer, paused).await?;
        }
        Ok(())
    }

    async fn consumers_of(&self, queue: &Name) -> Result<Vec<String>, Error> {
        self.connection.queue_consumers(queue).await?.ok_or_else(|| Error::NoQueue(queue.clone()))
    }

    /// Changes what is said about a queue; others may change it at the same time. Workers follow its weight at once, the server the limits
    /// of its activities.
    pub async fn set_queue(&self, queue: &Name, change: impl Fn(&mut QueueSettings)) -> Result<QueueSettings, Error> {
        self.consumers_of(queue).await?;
        let settings = self.connection.change_queue(queue, change).await?;
        for (activity, most) in &settings.activities {
            self.connection.limit_consumer(queue, activity, *most).await?;
        }
        Ok(settings)
    }

    /// Takes the limit of an activity away.
    pub async fn unlimit(&self, queue: &Name, activity: &ActivityName) -> Result<QueueSettings, Error> {
        let without = |settings: &mut QueueSettings| {
            settings.activities.remove(activity);
        };
        let settings = self.set_queue(queue, without).await?;
        let most = sagaline_broker::nats::worker::ConsumerSettings::default().max_ack_pending;
        self.connection.limit_consumer(queue, activity, most).await?;
        Ok(settings)
    }

    /// Removes the tasks that wait in a queue now. Each execution concerned is told first, and its step fails for good, with the type
    /// `TaskDiscarded`. With `held` also those that workers have, who are told to stop. It may be broken off at any time, and done again.
    pub async fn purge_queue(
        &self,
        queue: &Name,
        activity: Option<ActivityName>,
        held: bool,
        progress: impl FnMut(&QueuePurged),
    ) -> Result<QueuePurged, Error> {
        let purge = QueuePurge { queue: queue.clone(), activity, held, source: self.source().to_owned() };
        let purged = self.connection.purge_queue(&purge, progress).await?;
        purged.ok_or_else(|| Error::NoQueue(queue.clone()))
    }

    /// Removes a queue in which nothing is, with what was said about it.
    pub async fn delete_queue(&self, queue: &Name) -> Result<(), Error> {
        let QueueView { pending, active, .. } = self.queue(queue).await?;
        if 0 < pending + active {
            return Err(Error::QueueInUse { queue: queue.clone(), tasks: pending + active });
        }
        self.connection.remove_queue(queue).await?;
        Ok(())
    }
}

/// The activities of a plan, each with the queue that its tasks go to.
fn asked_for(plan: &Plan) -> Vec<WithoutWorker> {
    let of_step = |node: &Node| {
        let Kind::Step(step) = &node.kind else { return vec![] };
        let own = WithoutWorker { queue: step.queue.clone(), activity: step.activity.clone() };
        let undone = step.compensate.iter().flat_map(|compensate| &compensate.actions).map(|action| WithoutWorker {
            queue: action.queue.clone().unwrap_or_else(|| step.queue.clone()),
            activity: action.activity.clone(),
        });
        std::iter::once(own).chain(undone).collect()
    };
    plan.nodes().into_iter().flat_map(of_step).collect()
}
