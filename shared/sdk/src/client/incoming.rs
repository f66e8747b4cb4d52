//! What operators say about events that come in: where from, and what they look like. Triggers know of it within a second.

use std::collections::BTreeMap;

use sagaline_broker::ports::{Bucket, Message};
use sagaline_model::{EventSource, EventType, Name};
use serde::{Serialize, de::DeserializeOwned};

use super::{Client, Error};

impl Client {
    /// Where events come from besides `EVENTS`, by name.
    pub async fn event_sources(&self) -> Result<BTreeMap<Name, EventSource>, Error> {
        let all = self.set_below::<EventSource>(EventSource::KEY).await?;
        Ok(all.into_iter().filter_map(|(name, source)| Some((Name::new(name).ok()?, source))).collect())
    }

    /// What a source names that is the installation's own: what is read there would go round, and no trigger takes it.
    pub fn own_of_source<'s>(&self, source: &'s EventSource) -> Option<&'s str> {
        let names = self.names();
        match (&source.stream, &source.subject) {
            (Some(stream), _) => names.is_own_stream(stream).then_some(stream),
            (None, subject) => subject.as_deref().filter(|subject| names.is_own_subject(subject)),
        }
    }

    /// Lets triggers take events from there, in place of what had that name.
    pub async fn set_event_source(&self, name: &Name, source: &EventSource) -> Result<(), Error> {
        self.put_setting(&format!("{}{name}", EventSource::KEY), source).await
    }

    /// Whether there was one. A stream that captured its subject stays, with what is in it.
    pub async fn remove_event_source(&self, name: &Name) -> Result<bool, Error> {
        self.remove_setting(&format!("{}{name}", EventSource::KEY)).await
    }

    /// What events look like of which that is known, by type.
    pub async fn event_types(&self) -> Result<BTreeMap<String, EventType>, Error> {
        self.set_below(EventType::KEY).await
    }

    /// From now on events of this type that do not fit are set aside.
    pub async fn set_event_type(&self, kind: &str, versions: &EventType) -> Result<(), Error> {
        self.put_setting(&format!("{}{kind}", EventType::KEY), versions).await
    }

    /// Whether anything was known of it.
    pub async fn remove_event_type(&self, kind: &str) -> Result<bool, Error> {
        self.remove_setting(&format!("{}{kind}", EventType::KEY)).await
    }

    /// Every setting whose key begins so, by the rest of it.
    async fn set_below<T: DeserializeOwned>(&self, prefix: &str) -> Result<BTreeMap<String, T>, Error> {
        let before = self.names().key(Bucket::Settings, prefix);
        let stream = self.names().bucket_stream(Bucket::Settings);
        let mut pages = self.pages(&stream, format!("{before}>"), 1, "read the bucket `settings`".to_owned()).await?;
        let mut found = vec![];
        let mut more = 0 < pages.count();
        while more {
            let page = pages.next(500).await?;
            more = page.last().is_some_and(|(position, _)| 0 < position.pending);
            // A key that was deleted holds nothing.
            let set = page.into_iter().filter(|(_, message)| !message.payload.is_empty());
            found.extend(set.map(|(_, message)| (message.subject.to_string(), message.payload.clone())));
        }
        pages.close().await;
        let read = |(subject, payload): (String, bytes::Bytes)| {
            let key = subject.strip_prefix(&before).unwrap_or(&subject).to_owned();
            let what = || format!("`{prefix}{key}` of bucket `settings`");
            let value =
                serde_json::from_slice(&payload).map_err(|source| Error::Unreadable { what: what(), source })?;
            Ok((key, value))
        };
        found.into_iter().map(read).collect()
    }

    async fn put_setting<T: Serialize>(&self, key: &str, value: &T) -> Result<(), Error> {
        let payload = serde_json::to_vec(value).expect("settings have string keys only");
        self.write_setting(key, vec![], payload, &format!("set `{key}`")).await
    }

    /// Whether it was set.
    async fn remove_setting(&self, key: &str) -> Result<bool, Error> {
        let set = self.connection.value(Bucket::Settings, key).await?.is_some_and(|(_, value)| !value.is_empty());
        if set {
            // As a client of the bucket marks a key that is deleted.
            let mark = vec![("KV-Operation", "DEL".to_owned())];
            self.write_setting(key, mark, vec![], &format!("remove `{key}`")).await?;
        }
        Ok(set)
    }

    /// Whichever of two is stored last counts, also if it is the same one twice.
    async fn write_setting(
        &self,
        key: &str,
        headers: Vec<(&'static str, String)>,
        payload: Vec<u8>,
        attempt: &str,
    ) -> Result<(), Error> {
        let subject = self.names().key(Bucket::Settings, key);
        let message = Message { subject, expected: None, msg_id: None, ttl: None, headers, payload: payload.into() };
        self.publish(&message, attempt).await?;
        Ok(())
    }
}
