use sagaline_macros::workflow;

#[workflow]
mod order {
    #[step(when = "")]
    async fn validate(context: ActivityContext) -> Result<(), ActivityError> {}

    #[step(when = "steps.validate.output.ok = true")]
    async fn reserve(context: ActivityContext) -> Result<(), ActivityError> {}

    #[step(when = "${ (ctx.total > 5 }")]
    async fn charge(context: ActivityContext) -> Result<(), ActivityError> {}

    #[event("order.paid", event_when = "event.data.id == 'a")]
    fn paid();

    #[switch]
    mod chosen {
        #[case("ctx.list[0")]
        mod first {
            #[step]
            async fn ship(context: ActivityContext) -> Result<(), ActivityError> {}
        }

        #[otherwise]
        mod rest {
            #[step]
            async fn pack(context: ActivityContext) -> Result<(), ActivityError> {}
        }
    }
}
