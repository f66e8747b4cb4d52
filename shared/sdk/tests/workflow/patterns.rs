//! The patterns in which steps are added: fan-out, fan-in, branches, workflows in workflows.

use sagaline_sdk::workflow::{Steps, Workflow, activity};

use crate::Row;

pub(crate) fn rows() -> Vec<Row> {
    vec![fans(), branches(), workflows()]
}

fn fans() -> Row {
    let workflow = Workflow::new("fans")
        .step("begin", activity("a.begin"))
        .parallel("begin", [("s3", activity("a.s3")), ("gcs", activity("a.gcs"))])
        .fan_out(["s3", "gcs"], [("left", activity("a.left")), ("right", activity("a.right"))])
        .fan_in(["left", "right"], "join", activity("a.join"));
    (
        workflow,
        "
workflow: fans
steps:
  begin: { activity: a.begin }
  s3: { activity: a.s3, after: begin }
  gcs: { activity: a.gcs, after: begin }
  left: { activity: a.left, after: [s3, gcs] }
  right: { activity: a.right, after: [s3, gcs] }
  join: { activity: a.join, after: [left, right] }
",
    )
}

fn branches() -> Row {
    let workflow = Workflow::new("branches").step("check", activity("a.check")).branch(
        "check",
        [("now", "${ ctx.in_stock }", activity("a.now")), ("later", "${ !ctx.in_stock }", activity("a.later"))],
    );
    (
        workflow,
        r#"
workflow: branches
steps:
  check: { activity: a.check }
  now: { activity: a.now, after: check, when: "${ ctx.in_stock }" }
  later: { activity: a.later, after: check, when: "${ !ctx.in_stock }" }
"#,
    )
}

fn workflows() -> Row {
    let notify =
        Workflow::new("notify").step("format", activity("a.format")).step("send", activity("a.send").after("format"));
    let workflow = Workflow::new("workflows")
        .step("create", activity("a.create"))
        .add_workflow("welcome", "notify", "create")
        .take_in("notify", notify, "create")
        .take_in("more", Steps::new().step("inner", activity("a.inner")), ["welcome", "notify"]);
    (
        workflow,
        r#"
workflow: workflows
steps:
  create: { activity: a.create }
  welcome: { child: { workflow: notify, input: "${ ctx }" }, after: create }
  notify: { after: create, steps: { format: { activity: a.format }, send: { activity: a.send, after: format } } }
  more: { after: [welcome, notify], steps: { inner: { activity: a.inner } } }
"#,
    )
}
