//! Starts workflows, so many in flight at any time, and measures how long each takes.

use std::{collections::HashMap, future::IntoFuture, time::Instant};

use async_nats::jetstream::Context;
use futures::{StreamExt, stream::FuturesUnordered};
use serde_json::json;
use tokio::sync::mpsc;

use super::{Failure, Figures, Reporter, STEPS, Settings, connect, event::event, only_if_new};

/// The numbers of the executions that end, as anyone who follows the lifecycle hears of them.
pub(super) async fn follow_ends(
    settings: &Settings,
    reporter: &Reporter,
) -> Result<mpsc::UnboundedReceiver<u64>, Failure> {
    let mut completed = connect(&settings.url).await?.subscribe("floor.event.completed.*").await?;
    let (told, ended) = mpsc::unbounded_channel();
    let reporter = reporter.clone();
    tokio::spawn(async move {
        while let Some(message) = completed.next().await {
            let execution = message.subject.rsplit('.').next().unwrap_or_default().parse();
            match execution {
                // Nobody may be listening any more.
                Ok(execution) => drop(told.send(execution)),
                Err(error) => reporter.tell(Err(format!("`{}` names no execution: {error}", message.subject).into())),
            }
        }
    });
    Ok(ended)
}

pub(super) async fn measure(
    settings: &Settings,
    context: &Context,
    mut ended: mpsc::UnboundedReceiver<u64>,
) -> Result<Figures, Failure> {
    let mut started: HashMap<u64, Instant> = HashMap::new();
    let mut latencies = Vec::with_capacity(usize::try_from(settings.workflows)?);
    let mut starts = FuturesUnordered::new();
    let concurrency = usize::try_from(settings.concurrency)?;
    let (mut next, begin) = (0, Instant::now());
    while (latencies.len() as u64) < settings.workflows {
        while started.len() < concurrency && next < settings.workflows {
            let input = json!({ "input": { "order": next, "items": ["a", "b", "c"], "amount": 12.5 } });
            let start = event(format!("start-{next}"), "start", &next.to_string(), input);
            let subject = format!("floor.in.{}.{next}", next % settings.partitions);
            started.insert(next, Instant::now());
            starts.push(context.publish_with_headers(subject, only_if_new(), start).await?.into_future());
            next += 1;
        }
        tokio::select! {
            Some(execution) = ended.recv() => {
                let start = started.remove(&execution).ok_or("an execution ended that was not started, or ended twice")?;
                latencies.push(u64::try_from(start.elapsed().as_micros())?);
            }
            Some(acknowledged) = starts.next(), if !starts.is_empty() => drop(acknowledged?),
        }
    }
    let rate = settings.workflows as f64 / begin.elapsed().as_secs_f64();
    latencies.sort_unstable();
    Ok(Figures {
        workflows: settings.workflows,
        concurrency: settings.concurrency,
        partitions: settings.partitions,
        replicas: settings.replicas,
        workflows_per_s: rate.round(),
        steps_per_s: (rate * STEPS as f64).round(),
        p50_us: latencies[latencies.len() / 2],
        p99_us: latencies[latencies.len() * 99 / 100],
    })
}
