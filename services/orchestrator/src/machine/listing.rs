//! Which executions a list asks for.

use sagaline_broker::machine::Listed;
use sagaline_events::ask::Ask;
use sagaline_model::ExecutionId;

use super::glance::Glance;

/// It as it is listed, if all that the question asks for holds.
pub(super) fn listed(ask: &Ask, key: &str, glance: &Glance) -> Option<Listed> {
    let Ask::List { status, workflow, tags, since, jobs, .. } = ask else { return None };
    let named = status.is_empty() || status.iter().any(|status| status == glance.status.as_str());
    let of_it = workflow.as_ref().is_none_or(|workflow| workflow == glance.workflow());
    let young = since.is_none_or(|since| since <= glance.started_at);
    let tagged = tags.iter().all(|(name, wanted)| {
        glance.tag(name).is_some_and(|given| wanted.as_ref().is_none_or(|wanted| wanted == given))
    });
    let of_jobs = jobs.as_ref().is_none_or(|jobs| glance.is_job(jobs));
    let id = || ExecutionId::new(key).expect("`read` lets only ids through");
    (named && of_it && young && tagged && of_jobs).then(|| Listed::Execution(glance.view(id())))
}
