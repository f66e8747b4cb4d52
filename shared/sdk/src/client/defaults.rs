//! What the installation gives to workflows that say nothing of their own.

use sagaline_broker::{
    names::Names,
    ports::{Bucket, Message},
};
use sagaline_model::Defaults;

use super::{Client, Error};

impl Client {
    /// The defaults of the installation. Whoever compiles a definition takes them into its plan: [`Client::apply`] takes plans as
    /// they are.
    pub async fn defaults(&self) -> Result<Defaults, Error> {
        let key = Names::DEFAULTS_KEY;
        let Some((_, value)) = self.connection.value(Bucket::Settings, key).await? else {
            return Ok(Defaults::default());
        };
        let unreadable = |source| Error::Unreadable { what: format!("`{key}` of bucket `settings`"), source };
        serde_json::from_slice(&value).map_err(unreadable)
    }

    /// Sets all of them, whatever they were. Plans that are applied already stay as they are.
    pub async fn set_defaults(&self, defaults: &Defaults) -> Result<(), Error> {
        let subject = self.names().key(Bucket::Settings, Names::DEFAULTS_KEY);
        let payload = serde_json::to_vec(defaults).expect("defaults have string keys only").into();
        // Whichever of two is stored last counts, also if it is the same one twice.
        let message = Message { subject, expected: None, msg_id: None, ttl: None, headers: vec![], payload };
        self.publish(&message, "set the defaults of the installation").await?;
        Ok(())
    }
}
