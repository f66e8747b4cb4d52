//! Pictures as they are written, whole. `SAGALINE_BLESS=1` writes what is missing, and overwrites what differs.

use std::{collections::BTreeMap, env, fs, path::PathBuf};

use sagaline_events::record::{InsideView, Status, StepStatus};
use sagaline_model::Span;
use sagaline_picture::{Graph, Line, Look, Measured, Report, Summary, dot, draw, mermaid, table, text};

use crate::plans::{everything, examples, execution, read};

#[track_caller]
fn is_written(name: &str, picture: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/pictures/written").join(name);
    if env::var_os("SAGALINE_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, picture).unwrap();
    }
    let written = fs::read_to_string(&path)
        .unwrap_or_else(|fault| panic!("`{}`: {fault}; SAGALINE_BLESS=1 writes it", path.display()));
    assert!(written == picture, "`{name}` is written otherwise:\n{picture}");
}

fn plain(lines: &[Line]) -> String {
    lines.iter().map(|line| line.plain() + "\n").collect()
}

fn every_form(name: &str, graph: &Graph) {
    is_written(&format!("{name}.mmd"), &mermaid(graph));
    is_written(&format!("{name}.dot"), &dot(graph));
    is_written(&format!("{name}.table"), &plain(&table(graph, usize::MAX)));
    is_written(&format!("{name}.txt"), &plain(&text(graph, usize::MAX)));
    is_written(&format!("{name}.json"), &(serde_json::to_string_pretty(graph).unwrap() + "\n"));
}

#[test]
fn every_kind_of_step_has_its_picture() {
    every_form("everything", &draw(&everything(), None, Look::default()));
}

#[test]
fn groups_are_boxes_and_whoever_comes_after_all_of_one_has_one_arrow() {
    let graph = draw(&everything(), Some(3), Look { groups: true });
    every_form("groups", &graph);
    let to_both: Vec<_> =
        graph.edges.iter().filter(|edge| edge.to == "s_both").map(|edge| edge.from.as_str()).collect();
    assert_eq!(to_both, ["s_group_checks"]);
}

/// A condition, or what starts it, is said once, and not once for each step of a group.
#[test]
fn who_leads_to_all_of_a_group_has_one_arrow() {
    let plan = read(
        "workflow: w\nsteps:\n  a: { group: g, activity: x }\n  b: { group: g, activity: x }\n  c: { activity: x }\n  \
         d: { group: h, activity: x }\n  e: { group: h, after: c, activity: x }\n",
    );
    let of_start = |groups| {
        let graph = draw(&plan, None, Look { groups });
        let edges = graph.edges.into_iter().filter(|edge| edge.from == "s_start");
        edges.map(|edge| edge.to).collect::<Vec<_>>()
    };
    assert_eq!(of_start(true), ["s_group_g", "s_c", "s_d"]);
    assert_eq!(of_start(false), ["s_a", "s_b", "s_c", "s_d"]);
}

#[test]
fn an_execution_colours_its_steps() {
    use StepStatus::{BackingOff, Completed, Failed, Pending, Running, Skipped, Waiting};
    let mut graph = draw(&everything(), Some(3), Look::default());
    let view = execution(
        Status::Running,
        &[
            ("end", Completed),
            ("reserve", Completed),
            ("left", Completed),
            ("right", Failed),
            ("both", Completed),
            ("quick", Completed),
            ("quick/own", Completed),
            ("route", Completed),
            ("route/approve", Skipped),
            ("route/small", Completed),
            ("safe", BackingOff),
            ("safe/risky:2", Waiting),
            ("items", Running),
            ("paid", Pending),
        ],
    );
    assert_eq!(graph.show(&view), 0);
    every_form("running", &graph);
    let status = |path: &str| graph.parts.iter().find(|part| part.path.as_deref() == Some(path)).unwrap().status;
    assert_eq!((status("safe/risky"), status("more")), (Some(Waiting), None));
}

/// Of a hundred thousand items it is known how many ended how, and the first of those that failed.
#[test]
fn a_loop_that_is_over_says_what_its_steps_came_to() {
    let mut graph = draw(&everything(), Some(3), Look::default());
    let mut view = execution(Status::Completed, &[("items", StepStatus::Completed), ("single", StepStatus::Completed)]);
    let ended = |step: &str, status, ended: &[(StepStatus, usize)], failed: &[u32]| InsideView {
        step: step.to_owned(),
        item: 0,
        status,
        attempt: 0,
        items: None,
        statuses: BTreeMap::new(),
        ended: ended.iter().copied().collect(),
        failed: failed.to_vec(),
    };
    use StepStatus::{Completed, Failed};
    view.steps[0].items = None;
    view.steps[0].inside = vec![
        ended("items/item", Failed, &[(Completed, 99_988), (Failed, 12)], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 11]),
        ended("items/item/pack", Completed, &[(Completed, 100_000)], &[]),
        ended("items/item/label", Failed, &[(Completed, 99_999), (Failed, 1)], &[41]),
    ];
    view.steps[1].inside = vec![ended("single/item", Completed, &[(Completed, 5)], &[])];
    graph.show(&view);
    // A table has other columns, too.
    let rows = plain(&table(&graph, usize::MAX));
    assert!(rows.contains("│ items         │ completed, 99988 completed, 12 failed │"), "{rows}");
    let shown = plain(&text(&graph, usize::MAX));
    let expected = "✓ items  completed, 99988 completed, 12 failed (failed: items 1, 2, 3, 4, 5, 6, 7, 8, 9, 11 and others)  \
                    for each part of ctx.items\n  ✓ pack  completed, 100000 times  item.pack\n  │\n  \
                    ✗ label  failed, 99999 completed, 1 failed (failed: item 41)  item.label\n";
    assert!(shown.contains(expected), "{shown}");
    assert!(shown.contains("✓ single  completed, 5 times  "), "{shown}");
}

#[test]
fn what_took_a_step_back_is_seen_and_what_is_of_no_step_is_counted() {
    let mut graph = draw(&everything(), Some(3), Look::default());
    let view = execution(
        Status::RolledBack,
        &[
            ("end", StepStatus::Completed),
            ("reserve", StepStatus::Compensated),
            ("of_another_plan", StepStatus::Failed),
        ],
    );
    assert_eq!(graph.show(&view), 1);
    let undo = graph.parts.iter().filter(|part| part.id.starts_with("s_reserve_undo"));
    assert_eq!(undo.map(|part| part.status).collect::<Vec<_>>(), [Some(StepStatus::Completed); 2]);
}

#[test]
fn summaries_and_reports() {
    let plan = everything();
    let summary = Summary::of(&plan, Some(3));
    is_written("everything.summary", &plain(&summary.lines()));
    is_written("everything.summary.json", &(serde_json::to_string_pretty(&summary).unwrap() + "\n"));
    let medians = [("end", 12), ("reserve", 340), ("right", 25), ("both", 300_000), ("quick", 90), ("route", 4)];
    let medians = medians.map(|(step, millis)| (step.to_owned(), Span::from_millis(millis)));
    let times = medians.iter().map(|(step, _)| (step.clone(), if step == "right" { 3 } else { 20 })).collect();
    let measured = Measured { executions: 20, medians: medians.into(), times };
    let report = Report::of(&plan, Some(3), Some(&measured));
    is_written("everything.report", &plain(&report.lines()));
    is_written("everything.report.json", &(serde_json::to_string_pretty(&report).unwrap() + "\n"));
}

/// A condition is seen whole, however narrow the terminal is.
#[test]
fn conditions_that_do_not_fit_stand_beneath_by_number() {
    let plan = read(
        "workflow: w\nsteps:\n  a: { activity: x }\n  choose:\n    after: a\n    switch:\n      - when: \"${ ctx.total > 100 && \
         ctx.country != 'DE' && ctx.customer.is_new_here }\"\n        steps: { big: { activity: x } }\n      - steps: { small: \
         { activity: x, when: \"${ ctx.total > 100 && ctx.country != 'DE' && ctx.customer.is_new_here }\" } }\n",
    );
    let graph = draw(&plan, None, Look::default());
    let condition = "ctx.total > 100 && ctx.country != 'DE' && ctx.customer.is_new_here";
    let wide = plain(&text(&graph, 100));
    assert!(wide.contains(&format!("big  x · if {condition}\n")) && !wide.contains("[1]"), "{wide}");
    let narrow = plain(&text(&graph, 40));
    let expected = "  ├─● big  x · if [1]\n  ╰─● small  x · otherwise · when [1]\n\n\
                    [1] ctx.total > 100 && ctx.country !=\n    'DE' && ctx.customer.is_new_here\n";
    assert!(narrow.ends_with(expected), "{narrow}");
    for picture in [mermaid(&graph).replace("<br/>", " "), dot(&graph).replace(" \\n ", " ")] {
        let picture = picture.replace("#62;", ">").replace("#38;", "&").replace("&amp;", "&");
        assert!(picture.contains(condition), "{picture}");
    }
}

/// However deep a step is, its name stands apart from what is said before it.
#[test]
fn names_in_a_report_stand_apart() {
    let plan = read(
        "workflow: w\nsteps:\n  a: { steps: { b: { steps: { c: { steps: { d: { activity: x } } } } } } }\non_step_error: { activity: y }\n",
    );
    let report = plain(&Report::of(&plan, None, None).lines());
    assert!(report.contains("              level 1 d\n"), "{report}");
    assert!(report.contains("  on_step_error only if"), "{report}");
}

#[test]
fn no_line_is_wider_than_it_may_be() {
    let graph = draw(&everything(), Some(3), Look { groups: true });
    for width in [20, 40, 80] {
        for lines in [text(&graph, width), table(&graph, width)] {
            let widest = lines.iter().map(|line| line.plain().chars().count()).max();
            assert!(widest <= Some(width), "{widest:?} of {width}");
        }
    }
}

/// A table takes the room that there is: whole where nothing bounds it, else the widest columns give way, and it stays a table.
#[test]
fn a_table_is_as_wide_as_it_may_be() {
    let condition = "workflow.input.customer.country == 'DE' && workflow.input.customer.age >= 18";
    let plan = read(&format!(
        "workflow: w\nsteps:\n  look: {{ activity: customers.look_up }}\n  \
         each: {{ after: look, for_each: \"${{ steps.look.output.orders.filter(order, order.total > 100) }}\", \
         activity: orders.check, when: \"${{ {condition} }}\" }}\n"
    ));
    let graph = draw(&plan, None, Look::default());
    let rows = |width| table(&graph, width).iter().map(Line::plain).collect::<Vec<_>>();
    let whole = rows(usize::MAX);
    let does = "for each item of steps.look.output.orders.filter(order, order.total > 100), orders.check, when";
    assert!(whole.iter().any(|row| row.contains(&format!("│ {does} {condition} │"))), "{whole:#?}");
    for width in [90, 120, 180] {
        let rows = rows(width);
        assert!(rows.iter().all(|row| row.chars().count() == width), "{rows:#?}");
        assert!(rows.iter().all(|row| row.ends_with(['│', '┐', '┤', '┘'])), "{rows:#?}");
        assert!(rows.iter().any(|row| row.contains("│ each ") && row.contains("… │ look ")), "{rows:#?}");
    }
    // Boxes of the other forms stay small, and a line on a terminal has its conditions beneath.
    assert!(mermaid(&graph).contains("for each item of steps.look.output.orders.filte…"), "{}", mermaid(&graph));
    let lines = plain(&text(&graph, 100));
    assert!(lines.contains("for each item of [2] · orders.check · when [1]"), "{lines}");
    assert!(lines.contains("[2] steps.look.output.orders.filter(order, order.total > 100)"), "{lines}");
}

/// Whatever a step is called, no id is a word of a language that graphs are written in, and no two are the same.
#[test]
fn ids_are_no_words_and_unique() {
    let plan = read(
        "workflow: end\nsteps:\n  end: { activity: a }\n  graph: { activity: a }\n  a-b: { activity: a }\n  \
         a_b: { activity: a, compensate: { activity: b } }\n  a_b_undo: { activity: a }\n  a_b_2: { activity: a }\n",
    );
    let graph = draw(&plan, None, Look::default());
    let mut ids: Vec<&str> = graph.parts.iter().map(|part| part.id.as_str()).collect();
    assert!(ids.iter().all(|id| id.starts_with("s_")), "{ids:?}");
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "{ids:?}");
}

/// The page shows what is written today.
#[test]
fn the_page_shows_these_pictures() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/pictures.md")).unwrap();
    let saga = examples().into_iter().find(|(name, _)| name == "order_saga").unwrap().1;
    let graph = draw(&saga, None, Look::default());
    for (language, picture) in [("mermaid", mermaid(&graph)), ("text", plain(&text(&graph, usize::MAX)))] {
        let block = format!("```{language}\n{picture}```\n");
        assert!(page.contains(&block), "docs/pictures.md should show\n{block}");
    }
}
