use sagaline_macros::workflow;

#[workflow(on_failure = page)]
mod order {
    #[step]
    fn at_once(context: ActivityContext) -> Result<(), ActivityError> {}

    #[step]
    async fn nothing() -> Result<(), ActivityError> {}

    #[step]
    async fn much(context: ActivityContext, one: u32, two: u32) -> Result<(), ActivityError> {}

    #[step]
    async fn any<T>(context: ActivityContext, one: T) -> Result<(), ActivityError> {}

    #[step(compensate = undo)]
    async fn gives(context: ActivityContext) {}

    fn undo(context: ActivityContext) -> Result<(), ActivityError> {}

    async fn page() -> Result<(), ActivityError> {}

    // What nobody names may be as it likes.
    fn helper() {}
}
