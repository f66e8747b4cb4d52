use sagaline_macros::workflow;

#[workflow(on_failure(failed, timeout = "soon"), on_step_error = failed)]
mod order {
    #[step]
    async fn validate(context: ActivityContext) -> Result<(), ActivityError> {}

    #[steps(after = pack, timeout = "1h", queue = "fast")]
    mod deliver {
        #[step(after = validate)]
        async fn pack(context: ActivityContext) -> Result<(), ActivityError> {}

        #[step(after = pak, compensate = call_back)]
        async fn send(context: ActivityContext) -> Result<(), ActivityError> {}

        #[step(compensate = apologize)]
        async fn label(context: ActivityContext) -> Result<(), ActivityError> {}
    }

    #[race]
    mod quote {
        #[step]
        async fn north(context: ActivityContext) -> Result<(), ActivityError> {}

        #[wait("10m", after = north)]
        fn patience();
    }

    #[for_each]
    mod nothing {
        #[step]
        fn validate(context: ActivityContext) -> Result<(), ActivityError> {}
    }

    #[for_each("${ workflow.input.albums }", as = album, on_item_error = stop, for_each = [1])]
    mod albums {
        #[step]
        async fn store(context: ActivityContext) -> Result<(), ActivityError> {}

        async fn apologize(context: ActivityContext) -> Result<(), ActivityError> {}
    }

    #[attempt(catch = mand)]
    mod pay {
        #[step]
        async fn charge(context: ActivityContext) -> Result<(), ActivityError> {}
    }

    #[attempt(catch(mend, errors = 5, error = Timeout))]
    mod pay_again {
        #[wait("1s")]
        fn rest();
    }

    #[attempt(catch = "mend")]
    mod pay_never {
        #[wait("1s")]
        fn rest_again();
    }

    #[signal("decided", on_timeout = mend)]
    fn decide();

    #[signal("paid", on_timeout = later)]
    fn paid();

    #[signal("sent", on_timeout = skip)]
    fn sent();

    mod mend {
        #[step]
        async fn apologize(context: ActivityContext) -> Result<(), ActivityError> {}
    }

    mod failed {
        #[wait("1s")]
        fn tell();
    }

    #[steps]
    mod empty {}

    #[steps]
    mod elsewhere;

    #[step]
    mod not_a_function {}

    #[steps]
    async fn not_a_module(context: ActivityContext) -> Result<(), ActivityError> {}

    #[for_each("${ workflow.input.albums }")]
    fn one_step();

    #[steps]
    mod around {
        #[steps(after = second)]
        mod first {
            #[wait("1s")]
            fn a();
        }

        #[steps(after = first)]
        mod second {
            #[wait("1s")]
            fn b();
        }
    }
}
