use sagaline_macros::workflow;

#[workflow(name = "no good", timeout = "soon", step_timeout = 30, tag = "x", schedule(cron = "every day", overlap = skp))]
mod order {
    #[step(aftr = validate)]
    async fn first(context: ActivityContext) -> Result<(), ActivityError> {}

    #[step(timeout = "30x", retry(attempts = 3, initial = "1 day"), on_error = contine, schedule_timeout = 5)]
    async fn second(context: ActivityContext) -> Result<(), ActivityError> {}

    #[step(when = "a", when = "b")]
    async fn third(context: ActivityContext) -> Result<(), ActivityError> {}

    #[step("fourth")]
    async fn fourth(context: ActivityContext) -> Result<(), ActivityError> {}

    // What is the user's own is not looked at.
    #[step(input = { timeout: "soon", on_error: "mine" }, metadata = { every: 5 })]
    async fn fifth(context: ActivityContext) -> Result<(), ActivityError> {}
}
