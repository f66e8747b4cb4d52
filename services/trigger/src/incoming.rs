//! What the operator says about events that come in: a fold of the bucket `settings`, looked at twice a second.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use sagaline_broker::{nats::Connection, ports::Bucket};
use sagaline_model::{EventSource, EventType, Moment, Name};
use tokio::{sync::watch, time::sleep};

use crate::{
    bucket::{BucketTail, News},
    handler::Trouble,
    versions::Versions,
};

const LOOK_EVERY: Duration = Duration::from_millis(500);

/// All of it, as it was a moment ago.
#[derive(Clone, Debug, Default)]
pub(crate) struct Incoming {
    pub(crate) types: HashMap<String, Arc<Versions>>,
    /// With the time from which on each counts.
    pub(crate) sources: BTreeMap<Name, (EventSource, Moment)>,
}

impl Incoming {
    /// Takes in what is stored under a key. Most keys are about something else.
    fn learn(&mut self, key: &str, value: Option<&[u8]>, stored: Moment) -> Result<(), String> {
        if let Some(kind) = key.strip_prefix(EventType::KEY) {
            let versions = value.map(serde_json::from_slice::<EventType>).transpose();
            // What cannot be read is no permission to let everything pass.
            match versions {
                Ok(Some(versions)) => self.types.insert(kind.to_owned(), Arc::new(Versions::compile(kind, &versions))),
                Ok(None) => self.types.remove(kind),
                Err(fault) => self.types.insert(kind.to_owned(), Arc::new(Versions::unreadable(fault.to_string()))),
            };
        } else if let Some(name) = key.strip_prefix(EventSource::KEY) {
            let name = Name::new(name).map_err(|fault| fault.to_string())?;
            self.sources.remove(&name);
            let source = value.map(serde_json::from_slice::<EventSource>).transpose();
            if let Some(source) = source.map_err(|fault| fault.to_string())? {
                self.sources.insert(name, (source, stored));
            }
        }
        Ok(())
    }
}

/// Follows the settings for as long as it is run; what it hands out with itself is always as it was last seen.
pub(crate) struct Follower {
    bucket: BucketTail,
    incoming: watch::Sender<Arc<Incoming>>,
}

impl Follower {
    /// Everything that is set already is known then.
    pub(crate) async fn new(connection: &Connection) -> Result<(watch::Receiver<Arc<Incoming>>, Self), Trouble> {
        let bucket = BucketTail::open(connection, Bucket::Settings).await?;
        let (incoming, known) = watch::channel(Arc::default());
        let mut follower = Self { bucket, incoming };
        follower.look().await?;
        Ok((known, follower))
    }

    pub(crate) async fn run(mut self) {
        loop {
            sleep(LOOK_EVERY).await;
            if let Err(trouble) = self.look().await {
                tracing::debug!(%trouble, "the settings are as they were last seen");
            }
        }
    }

    async fn look(&mut self) -> Result<(), Trouble> {
        let mut incoming = Incoming::clone(&self.incoming.borrow());
        let mut news = false;
        let looked = self.bucket.catch_up(|told| match told {
            News::Anew => {
                (incoming, news) = (Incoming::default(), true);
            }
            News::Entry { key, value, stored } => {
                news = true;
                if let Err(why) = incoming.learn(key, value.map(|value| &**value), stored) {
                    tracing::error!(key, why, "an entry of the bucket `settings` cannot be used; set it again");
                }
            }
        });
        let looked = looked.await;
        if news {
            self.incoming.send_replace(Arc::new(incoming));
        }
        looked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_known_until_it_is_removed() {
        let mut incoming = Incoming::default();
        let mut learn = |key: &str, value: Option<&str>| incoming.learn(key, value.map(str::as_bytes), Moment::EPOCH);
        learn("source.shop", Some(r#"{"stream":"ORDERS"}"#)).expect("a source");
        learn("source.till", Some(r#"{"subject":"till.>"}"#)).expect("a source");
        learn("event.order.created", Some(r#"{"versions":{"1":{}}}"#)).expect("a type");
        learn("event.order.paid", Some("{")).expect("a type that nothing fits");
        learn("defaults", Some("{}")).expect("no news");
        learn("source.till", None).expect("it is removed");
        learn("source.shop", Some("{")).expect_err("it cannot be read");
        assert_eq!(incoming.sources.len(), 0, "one that cannot be read is no source any more");
        let mut types: Vec<&str> = incoming.types.keys().map(String::as_str).collect();
        types.sort_unstable();
        assert_eq!(types, ["order.created", "order.paid"]);
        incoming.learn("event.order.paid", None, Moment::EPOCH).expect("it is removed");
        assert_eq!(incoming.types.len(), 1);
    }
}
