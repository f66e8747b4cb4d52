use sagaline_macros::workflow;

#[workflow(on_failure = alrt)]
mod order {
    #[step]
    async fn validate(context: ActivityContext) -> Result<(), ActivityError> {}

    #[step(after = validat, compensate = relase)]
    async fn charge(context: ActivityContext) -> Result<(), ActivityError> {}

    #[step(after = [validate, release], group = uploads)]
    async fn reserve(context: ActivityContext) -> Result<(), ActivityError> {}

    #[step(after_group = upload, after = "what is added later")]
    async fn close(context: ActivityContext) -> Result<(), ActivityError> {}

    #[step(after = itself)]
    async fn itself(context: ActivityContext) -> Result<(), ActivityError> {}

    async fn release(context: ActivityContext) -> Result<(), ActivityError> {}

    async fn alert(context: ActivityContext) -> Result<(), ActivityError> {}
}

#[workflow]
mod circle {
    #[step(after = third)]
    async fn first(context: ActivityContext) -> Result<(), ActivityError> {}

    #[step(after = first, group = middle)]
    async fn second(context: ActivityContext) -> Result<(), ActivityError> {}

    #[step(after_group = middle)]
    async fn third(context: ActivityContext) -> Result<(), ActivityError> {}
}
