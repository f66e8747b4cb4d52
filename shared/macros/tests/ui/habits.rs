use sagaline_macros::workflow;

#[workflow(timeout = 5m, trigger = "order.created", cron = "0 6 * * *", on_event = "two words")]
mod order {
    #[step]
    async fn validate(context: ActivityContext) -> Result<(), ActivityError> {}

    #[step(depends_on = validate, rollback = release, payload = { id: 1 })]
    async fn reserve(context: ActivityContext) -> Result<(), ActivityError> {}

    #[step(retry(attempts = "3", max_attempts = 4, intial = "5s"), breaker(treshold = 5))]
    async fn charge(context: ActivityContext) -> Result<(), ActivityError> {}

    #[step(retry = 0)]
    async fn pack(context: ActivityContext) -> Result<(), ActivityError> {}
}

#[workflow]
fn ship() {}
