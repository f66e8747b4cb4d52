use sagaline_macros::workflow;

#[workflow]
mod order {
    #[step]
    async fn validate();

    #[signal("decided")]
    fn decide() {}

    #[wait]
    fn rest();

    #[wait("2 hours", after = validate)]
    fn nap();

    #[child("ship", inputs = 3)]
    fn ship();

    #[signal("paid", queue = "fast")]
    fn paid();

    #[emit("paid")]
    fn tell(what: u32);

    #[wait("1h")]
    fn twice();

    #[wait("1h")]
    fn twice();
}

#[workflow]
mod empty {}
