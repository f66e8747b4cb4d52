use sagaline_macros::workflow;

#[workflow]
mod supply {
    #[switch(after = stok, when = "${ ctx.open }", catch = mend)]
    mod route {
        #[otherwise]
        mod decline {
            #[raise("SoldOut")]
            fn refuse();
        }

        #[case("${ ctx.left > 10 }", after = stock)]
        mod plenty {
            #[step]
            async fn pack(context: ActivityContext) -> Result<(), ActivityError> {}
        }

        #[case]
        mod some {
            #[wait("2 hours")]
            fn rest();
        }

        #[case(10)]
        mod number {
            #[wait("2h")]
            fn sleep();
        }

        #[otherwise("${ ctx.left > 10 }")]
        mod none {}

        #[step]
        async fn outside(context: ActivityContext) -> Result<(), ActivityError> {}

        #[wait("1h")]
        fn outside_too();

        #[steps]
        mod no_case {}
    }

    #[switch]
    mod nothing {}

    #[case("${ ctx.left > 10 }")]
    mod alone {
        #[wait("1h")]
        fn stock();
    }
}
