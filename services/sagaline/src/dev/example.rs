//! The examples that come with the program, and what is shown of them.

use std::time::Duration;

use sagaline_sdk::client::{Client, fresh_id};
use serde_json::json;

use crate::{
    commands::events,
    failure::{Failure, chain},
    live::Live,
    output::{Output, Tone},
};

const ORDER: &str = include_str!("../../../../examples/order.yaml");
/// From an event to the execution that it starts; milliseconds, if nothing is wrong.
const STARTS_WITHIN: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Example {
    /// An order that is paid, then one whose card is declined
    Order,
}

impl Example {
    /// Applies it and shows what it does, live.
    pub(super) async fn show(self, client: &Client, output: &Output) -> Result<(), Failure> {
        let Self::Order = self;
        let defaults = client.defaults().await?;
        let definitions = sagaline_lang::read_all_under(ORDER, "examples/order.yaml", &defaults);
        let definition = definitions
            .map_err(|faults| Failure::bug(format!("the example cannot be read: {}", chain(&faults))))?
            .pop()
            .ok_or_else(|| Failure::bug("there is nothing in the example"))?;
        let applied = client.apply(&definition.plan, Some(ORDER)).await?;
        say(output, &format!("applied examples/order.yaml as {} version {}", applied.workflow, applied.version))?;
        for (what, card) in [("an order that is paid", "visa"), ("an order whose card is declined", "declined")] {
            let order = fresh_id();
            let data = json!({ "order_id": order, "total": 59.9, "card": card });
            let event = events::envelope(client, "order.created", None, &data);
            let execution = sagaline_trigger::execution_of(&applied.workflow, &event.source, &event.id);
            let live = Live::listen(client, &execution).await?;
            say(output, &output.paint(Tone::Strong, &format!("\n{what}: event order.created {data}")))?;
            client.publish_event(&event).await?;
            live.show_to_the_end(client, STARTS_WITHIN, output).await?;
        }
        Ok(())
    }
}

/// What is said around the events; programs get the events alone.
fn say(output: &Output, text: &str) -> Result<(), Failure> {
    if output.is_json() { Ok(()) } else { Ok(output.line(text)?) }
}
