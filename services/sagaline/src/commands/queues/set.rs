//! `sagaline queues set`: weight, rate and places of a queue, and the limits of its activities.

use sagaline_model::{ActivityName, Name, QueueSettings, RateRule, Span};

use super::{activity, get, name};
use crate::{
    context::Context,
    failure::{Exit, Failure},
};

const EXAMPLES: &str = "\
Examples:
  sagaline queues set reports --weight 2
  sagaline queues set mail --rate 100/s             evenly
  sagaline queues set mail --rate 100/s --burst 20
  sagaline queues set mail --concurrency 50
  sagaline queues set mail --activity mail.send --limit 4
  sagaline queues set mail --rate none --concurrency none --weight none

Workers follow a weight at once, and the server a limit. Steps and jobs have
`rate` and `concurrency` from when they are applied or submitted.";

/// Set what a queue weighs, and how much of it runs
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The queue
    #[arg(value_name = "QUEUE", value_parser = name)]
    queue: Name,
    /// Its share of workers that serve several queues, beside the others; or `none`, for the usual
    #[arg(long, value_name = "N", value_parser = count)]
    weight: Option<Given<u32>>,
    /// So many tasks begin in a time, over all workers: 100/s, 30/1m; or `none`
    #[arg(long, value_name = "N/TIME", value_parser = rate)]
    rate: Option<Given<RateRule>>,
    /// So many of these may begin at once
    #[arg(long, value_name = "N", requires = "rate", value_parser = clap::value_parser!(u32).range(1..))]
    burst: Option<u32>,
    /// So many of its tasks are at work at once, over all workers; or `none`
    #[arg(long, value_name = "N", value_parser = count)]
    concurrency: Option<Given<u32>>,
    /// The activity that `--limit` is for
    #[arg(long, requires = "limit", value_parser = activity)]
    activity: Option<ActivityName>,
    /// So many tasks of the activity are with workers at a time; or `none`
    #[arg(long, value_name = "N", requires = "activity", value_parser = count)]
    limit: Option<Given<u32>>,
}

/// A value, or that there shall be none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Given<T>(Option<T>);

fn count(text: &str) -> Result<Given<u32>, String> {
    match (text, text.parse()) {
        ("none", _) => Ok(Given(None)),
        (_, Ok(0) | Err(_)) => Err("a number from 1 on, or `none`".to_owned()),
        (_, Ok(count)) => Ok(Given(Some(count))),
    }
}

fn rate(text: &str) -> Result<Given<RateRule>, String> {
    const EXPECTED: &str = "a number and a time, such as 100/s or 30/1m, or `none`";
    if text == "none" {
        return Ok(Given(None));
    }
    let (limit, per) = text.split_once('/').ok_or(EXPECTED)?;
    let limit = limit.trim().parse().ok().filter(|limit| 0 < *limit).ok_or(EXPECTED)?;
    let per = per.trim();
    // `100/s` is `100/1s`.
    let per = if per.starts_with(|first: char| first.is_ascii_digit()) { per.to_owned() } else { format!("1{per}") };
    let per: Span = per.parse().map_err(|_| EXPECTED)?;
    if per == Span::ZERO {
        return Err(EXPECTED.to_owned());
    }
    Ok(Given(Some(RateRule { limit, per, burst: None })))
}

/// As it is given.
pub(super) fn rate_text(rule: &RateRule) -> String {
    let burst = rule.burst.map_or(String::new(), |burst| format!(", {burst} at once"));
    format!("{}/{}{burst}", rule.limit, rule.per)
}

pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let Args { queue, weight, rate, burst, concurrency, activity, limit } = args;
    if weight.is_none() && rate.is_none() && concurrency.is_none() && limit.is_none() {
        let nothing = Failure::new(Exit::Usage, "there is nothing to set");
        return Err(nothing.hint("give `--weight`, `--rate`, `--concurrency`, or `--activity` with `--limit`"));
    }
    let client = context.client().await?;
    let limited = activity.zip(limit);
    let change = |settings: &mut QueueSettings| {
        if let Some(Given(weight)) = weight {
            settings.weight = weight;
        }
        if let Some(Given(rate)) = rate {
            settings.rate = rate.map(|rule| RateRule { burst, ..rule });
        }
        if let Some(Given(concurrency)) = concurrency {
            settings.concurrency = concurrency;
        }
        if let Some((activity, Given(Some(most)))) = &limited {
            settings.activities.insert(activity.clone(), *most);
        }
    };
    client.set_queue(&queue, change).await?;
    if let Some((activity, Given(None))) = &limited {
        client.unlimit(&queue, activity).await?;
    }
    get(&queue, context).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_and_a_time() {
        let rule = |text| rate(text).map(|Given(rule)| rule.map(|rule| (rule.limit, rule.per)));
        assert_eq!(rule("100/s"), Ok(Some((100, Span::from_secs(1)))));
        assert_eq!(rule("30/1m"), Ok(Some((30, Span::from_secs(60)))));
        assert_eq!(rule("none"), Ok(None));
        for bad in ["100", "0/s", "x/s", "5/", "5/0s", "5/moon"] {
            assert!(rate(bad).is_err(), "{bad}");
        }
    }
}
