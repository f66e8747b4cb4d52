//! Sources of events: whether what is mapped in is there, and whether triggers take from it.

use futures::StreamExt;
use sagaline_model::{EventSource, Moment, Name};
use serde::Deserialize;
use serde_json::json;

use super::{
    AT_ONCE, Rejected, RejectedFilter, Served,
    api::{self, Fault},
};
use crate::client::{Client, Error};

/// So many of those that were set aside last are looked through for one of a source.
const REJECTED_LOOKED_AT: usize = 200;

/// A stream or subject that is mapped in.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceFacts {
    pub name: Name,
    pub source: EventSource,
    pub place: SourcePlace,
    /// What of it was set aside last, if that was of late.
    pub set_aside: Option<Rejected>,
}

/// Where it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourcePlace {
    /// It is the installation's own, and nobody reads it there.
    Own(String),
    /// There is no such stream. If it is to capture a subject: these have that already, and the server lets no other have it.
    NoStream {
        name: String,
        taken_by: Vec<String>,
    },
    There {
        stream: String,
        served: Served,
    },
    /// JetStream did not say.
    Unknown(String),
}

impl Client {
    /// Each source of events beside `EVENTS`, by name, and how it is.
    pub async fn source_facts(&self, recent_from: Moment) -> Result<Vec<SourceFacts>, Error> {
        let sources = self.event_sources().await?;
        if sources.is_empty() {
            return Ok(vec![]);
        }
        let recent =
            RejectedFilter { since: Some(recent_from), limit: REJECTED_LOOKED_AT, ..RejectedFilter::default() };
        // Where that cannot be read, it is said of its stream.
        let (recent, _) = self.rejected(&recent).await.unwrap_or_default();
        let facts = sources.into_iter().map(|(name, source)| self.one_source(name, source, &recent));
        Ok(futures::stream::iter(facts.collect::<Vec<_>>()).buffered(AT_ONCE).collect().await)
    }

    async fn one_source(&self, name: Name, source: EventSource, recent: &[Rejected]) -> SourceFacts {
        let place = self.place_of_source(&name, &source).await;
        let set_aside = match &place {
            SourcePlace::There { stream, .. } => {
                recent.iter().find(|rejected| is_of(rejected, stream, &source)).cloned()
            }
            SourcePlace::Own(_) | SourcePlace::NoStream { .. } | SourcePlace::Unknown(_) => None,
        };
        SourceFacts { name, source, place, set_aside }
    }

    /// Where a source is read, and who takes from it.
    pub async fn place_of_source(&self, name: &Name, source: &EventSource) -> SourcePlace {
        const STREAM_NOT_FOUND: u64 = 10059;
        if let Some(own) = self.own_of_source(source) {
            return SourcePlace::Own(own.to_owned());
        }
        let stream = self.stream_of_source(name, source);
        match api::ask::<Any>(&self.connection, &format!("STREAM.INFO.{stream}"), &json!({})).await {
            Ok(_) => {
                let consumer = self.names().source_consumer(name.as_str());
                let served = self.served_by(&stream, &consumer).await;
                SourcePlace::There { stream, served }
            }
            Err(Fault::Refused(STREAM_NOT_FOUND, _)) => {
                let captured = source.subject.as_ref().filter(|_| source.stream.is_none());
                let taken_by = match captured {
                    Some(subject) => self.streams_of_subject(subject).await.unwrap_or_default(),
                    None => vec![],
                };
                SourcePlace::NoStream { name: stream, taken_by }
            }
            Err(Fault::Refused(_, why) | Fault::Silent(why)) => SourcePlace::Unknown(why),
        }
    }

    /// The streams that store messages of this subject, or of some that it means.
    pub async fn streams_of_subject(&self, subject: &str) -> Result<Vec<String>, Error> {
        #[derive(Deserialize)]
        struct Page {
            #[serde(default)]
            streams: Option<Vec<String>>,
        }
        let page: Page = api::ask(&self.connection, "STREAM.NAMES", &json!({ "subject": subject }))
            .await
            .map_err(|fault| fault.into_error(format!("look for the streams of `{subject}`")))?;
        Ok(page.streams.unwrap_or_default())
    }

    /// The stream that a source is, or that captures its subject.
    pub(in crate::client) fn stream_of_source(&self, name: &Name, source: &EventSource) -> String {
        source.stream.clone().unwrap_or_else(|| self.names().source_stream(name.as_str()))
    }
}

#[derive(Deserialize)]
struct Any {}

/// Several sources may be parts of one stream.
fn is_of(rejected: &Rejected, stream: &str, source: &EventSource) -> bool {
    let fits = |pattern: &String| rejected.subject.as_ref().is_none_or(|subject| fits(pattern, subject));
    rejected.from_stream.as_deref() == Some(stream) && source.subject.as_ref().is_none_or(fits)
}

/// Whether a subject is one of those that the pattern means, as NATS has it.
fn fits(pattern: &str, subject: &str) -> bool {
    let mut words = subject.split('.');
    for wanted in pattern.split('.') {
        match (wanted, words.next()) {
            (">", Some(_)) => return true,
            ("*", Some(_)) => {}
            (wanted, Some(word)) if wanted == word => {}
            (_, _) => return false,
        }
    }
    words.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_subject_fits_as_it_does_in_nats() {
        for (pattern, subject, wanted) in [
            ("shop.*.*", "shop.berlin.sold", true),
            ("shop.*.*", "shop.berlin", false),
            ("shop.*.*", "shop.berlin.sold.late", false),
            ("shop.>", "shop.berlin.sold", true),
            ("shop.>", "shop", false),
            (">", "shop", true),
            ("shop.berlin", "shop.berlin", true),
            ("shop.berlin", "shop.rome", false),
        ] {
            assert_eq!(fits(pattern, subject), wanted, "{pattern} {subject}");
        }
    }
}
