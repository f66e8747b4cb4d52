//! `sagaline graph`: a workflow as a picture, with the states of an execution if one is named.

use sagaline_events::record::ExecutionView;
use sagaline_model::{ExecutionId, Name};
use sagaline_picture::{Graph, Look, MERMAID_EDGES_MAX, dot, draw, mermaid, table, text};

use crate::{
    context::Context,
    failure::{Exit, Failure},
    ink,
    plans::{self, Found, Meant},
};

const EXAMPLES: &str = "\
Examples:
  sagaline graph order                             for a terminal
  sagaline graph examples/order.yaml --format mermaid > order.mmd
  sagaline graph order --format dot | dot -Tsvg > order.svg
  sagaline graph --execution order-A-1             how its steps stand
  sagaline graph order --format table --groups

A workflow that is applied, or a file. For a file alone no NATS is asked. Of a
loop, and of steps that a step returned, it is said how many are done.";

/// Draw a workflow: its steps, what comes after what, and how an execution stands
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A workflow that is applied, or a file of definitions; that of the execution without it
    #[arg(value_name = "WORKFLOW|PATH", required_unless_present = "execution")]
    of: Option<String>,
    /// What it is written in
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
    /// Show how the steps of this execution stand
    #[arg(long, value_name = "ID")]
    execution: Option<String>,
    /// Steps of one group stand in a box
    #[arg(long)]
    groups: bool,
    /// This version; without it that of the execution, or the newest
    #[arg(long, value_name = "N", conflicts_with = "execution")]
    version: Option<u32>,
    /// Which workflow of a file that has several
    #[arg(long, value_name = "WORKFLOW")]
    workflow: Option<Name>,
    /// No line of `text` and `table` is longer; without it, what the terminal says
    #[arg(long, value_name = "CHARACTERS", value_parser = width)]
    width: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// Lines for a terminal, level by level
    Text,
    /// One row a step
    Table,
    /// For pages: GitHub and others draw it
    Mermaid,
    /// For Graphviz
    Dot,
    /// The parts and edges themselves
    Json,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, Failure> {
    let (Found { plan, version }, view) = find(&args, context).await?;
    let mut graph = draw(&plan, version, Look { groups: args.groups });
    if let Some(view) = &view {
        let elsewhere = graph.show(view);
        let returned = view.steps.iter().any(|step| step.items.is_some());
        if 0 < elsewhere && !returned {
            context
                .output
                .talk(&format!("{elsewhere} steps of the execution are not in this plan: it runs by another"));
        }
    }
    show(&graph, &args, context)?;
    Ok(Exit::Done)
}

async fn find(args: &Args, context: &Context) -> Result<(Found, Option<ExecutionView>), Failure> {
    let meant = args.of.as_deref().map(|of| Meant::by(of, context)).transpose()?;
    let execution = args.execution.as_deref().map(ExecutionId::encoded);
    match (meant, execution) {
        (Some(Meant::File(path)), None) => Ok((of_file(path, args, context)?, None)),
        (Some(Meant::File(path)), Some(execution)) => {
            let found = of_file(path, args, context)?;
            let (view, _) = plans::of_execution(&context.client().await?, &execution).await?;
            Ok((found, Some(view)))
        }
        (Some(Meant::Workflow(workflow)), None) => {
            Ok((plans::applied(&context.client().await?, &workflow, args.version).await?, None))
        }
        (workflow, Some(execution)) => {
            let (view, found) = plans::of_execution(&context.client().await?, &execution).await?;
            if let Some(Meant::Workflow(workflow)) =
                workflow.filter(|meant| *meant != Meant::Workflow(view.workflow.clone()))
            {
                let message = format!("`{execution}` is an execution of `{}`, not of `{workflow}`", view.workflow);
                return Err(Failure::new(Exit::Failed, message).hint("leave the workflow out: the execution says it"));
            }
            Ok((found, Some(view)))
        }
        (None, None) => Err(Failure::bug("neither a workflow nor an execution was named".to_owned())),
    }
}

fn of_file(path: std::path::PathBuf, args: &Args, context: &Context) -> Result<Found, Failure> {
    Ok(Found { plan: plans::one_of_file(path, args.workflow.as_ref(), context)?, version: None })
}

fn show(graph: &Graph, args: &Args, context: &Context) -> Result<(), Failure> {
    let output = &context.output;
    let form = if output.is_json() { Form::Json } else { args.format };
    match form {
        Form::Text => ink::print(&text(graph, ink::width(args.width)), output)?,
        Form::Table => ink::print(&table(graph, ink::width(args.width)), output)?,
        Form::Mermaid => {
            if MERMAID_EDGES_MAX < graph.edges.len() {
                output.talk(&format!(
                    "{} arrows: Mermaid draws at most {MERMAID_EDGES_MAX} unless its `maxEdges` says otherwise; \
                     `--format dot` has no such limit",
                    graph.edges.len()
                ));
            }
            output.bytes(mermaid(graph).as_bytes())?;
        }
        Form::Dot => output.bytes(dot(graph).as_bytes())?,
        Form::Json => output.json(graph)?,
    }
    Ok(())
}

fn width(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(width) if ink::NARROWEST <= width => Ok(width),
        _ => Err(format!("write a number of characters, at least {}", ink::NARROWEST)),
    }
}
