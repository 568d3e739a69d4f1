use super::*;
use futures_util::future::BoxFuture;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;

const TIMEOUT: Duration = Duration::from_secs(30);

/// Hands out "token 1", "token 2", …, each when told to.
#[derive(Default)]
struct Counting {
    asked: AtomicUsize,
    go: Notify,
    wait: bool,
}

#[async_trait]
impl TokenProvider for Counting {
    async fn token(&self, _refused: bool) -> Result<Token, TokenUnavailable> {
        let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        if self.wait {
            self.go.notified().await;
        }
        Ok(Token::new(format!("token {number}")))
    }
}

async fn accept(token: Token) -> Result<String, TransportError> {
    Ok(token.secret().to_owned())
}

/// A server that takes only tokens with a number from `from` up.
fn server(from: usize) -> impl Fn(Token) -> std::future::Ready<Result<String, TransportError>> {
    move |token| {
        let number: usize = token.secret().trim_start_matches("token ").parse().unwrap();
        std::future::ready(match number >= from {
            true => Ok(token.secret().to_owned()),
            false => Err(TransportError::new(Fault::Unauthorized)),
        })
    }
}

/// A server that takes none, and says so of "token 2" only when told to.
fn refusing(go: Arc<Notify>) -> impl Fn(Token) -> BoxFuture<'static, Result<String, TransportError>> {
    move |token| {
        let wait = (token.secret() == "token 2").then(|| go.clone());
        Box::pin(async move {
            if let Some(go) = wait {
                go.notified().await;
            }
            Err(TransportError::new(Fault::Unauthorized))
        })
    }
}

#[tokio::test]
async fn a_token_is_asked_for_once_and_kept() {
    let provider = Arc::new(Counting::default());
    let session = Session::new(provider.clone(), TIMEOUT);
    for _ in 0..3 {
        assert_eq!(session.authorized(accept).await, Ok("token 1".into()));
    }
    assert_eq!(provider.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn five_requests_refused_together_ask_for_one_new_token() {
    let provider = Arc::new(Counting::default());
    let session = Session::new(provider.clone(), TIMEOUT);
    session.authorized(accept).await.unwrap();
    let calls: Vec<_> = (0..5)
        .map(|_| {
            let session = session.clone();
            tokio::spawn(async move { session.authorized(server(2)).await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), Ok("token 2".into()));
    }
    assert_eq!(provider.asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_fresh_token_refused_ends_the_session_until_it_is_resumed() {
    let provider = Arc::new(Counting::default());
    let session = Session::new(provider.clone(), TIMEOUT);
    assert_eq!(session.authorized(server(3)).await, Err(AuthorizedError::SessionEnded));
    assert_eq!(session.authorized(accept).await, Err(AuthorizedError::SessionEnded));
    assert_eq!(provider.asked.load(Ordering::SeqCst), 2, "an ended session asks nobody");
    session.resume();
    assert_eq!(session.authorized(server(3)).await, Ok("token 3".into()));
}

#[tokio::test]
async fn the_answer_to_a_question_of_the_old_session_does_not_end_the_new_one() {
    let provider = Arc::new(Counting { wait: true, ..Default::default() });
    let session = Session::new(provider.clone(), TIMEOUT);
    let old = tokio::spawn({
        let session = session.clone();
        async move { session.authorized(server(2)).await }
    });
    while provider.asked.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    session.resume();
    let new = tokio::spawn({
        let session = session.clone();
        async move { session.authorized(server(2)).await }
    });
    while provider.asked.load(Ordering::SeqCst) < 2 {
        tokio::task::yield_now().await;
    }
    provider.go.notify_one();
    provider.go.notify_one();
    assert_eq!(new.await.unwrap(), Ok("token 2".into()));
    assert_eq!(old.await.unwrap(), Ok("token 2".into()), "refused with the old token, it takes the new one");
    assert_eq!(session.authorized(accept).await, Ok("token 2".into()));
}

#[tokio::test]
async fn a_caller_that_goes_away_takes_the_question_from_nobody() {
    let provider = Arc::new(Counting { wait: true, ..Default::default() });
    let session = Session::new(provider.clone(), TIMEOUT);
    let impatient = tokio::spawn({
        let session = session.clone();
        async move { session.authorized(accept).await }
    });
    let patient = tokio::spawn({
        let session = session.clone();
        async move { session.authorized(accept).await }
    });
    while provider.asked.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    impatient.abort();
    assert!(impatient.await.unwrap_err().is_cancelled());
    provider.go.notify_one();
    assert_eq!(patient.await.unwrap(), Ok("token 1".into()));
    assert_eq!(provider.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_never_answers_is_given_up_and_asked_again() {
    let provider = Arc::new(Counting { wait: true, ..Default::default() });
    let session = Session::new(provider.clone(), TIMEOUT);
    let begun = tokio::time::Instant::now();
    assert_eq!(session.authorized(accept).await, Err(AuthorizedError::TokenUnavailable));
    assert_eq!(begun.elapsed(), TIMEOUT);
    provider.go.notify_one();
    assert_eq!(session.authorized(accept).await, Ok("token 2".into()));
}

struct Panicking(AtomicUsize);

#[async_trait]
impl TokenProvider for Panicking {
    async fn token(&self, _refused: bool) -> Result<Token, TokenUnavailable> {
        assert!(self.0.fetch_add(1, Ordering::SeqCst) > 0, "the provider panics the first time");
        Ok(Token::new("token"))
    }
}

#[tokio::test]
async fn a_provider_that_panicked_is_asked_again() {
    let session = Session::new(Arc::new(Panicking(AtomicUsize::new(0))), TIMEOUT);
    assert_eq!(session.authorized(accept).await, Err(AuthorizedError::TokenUnavailable));
    assert_eq!(session.authorized(accept).await, Ok("token".into()));
}

#[test]
fn a_token_shows_nothing_of_itself() {
    assert_eq!(format!("{:?}", Token::new("secret")), "Token(…)");
}

#[tokio::test]
async fn a_refusal_that_comes_after_a_newer_token_ends_no_session() {
    let provider = Arc::new(Counting::default());
    let session = Session::new(provider.clone(), TIMEOUT);
    let (go, mut gone) = (Arc::new(Notify::new()), None);
    // Refused at once with token 1; with token 2 as well, but only when told to.
    let slow = tokio::spawn({
        let (session, go) = (session.clone(), go.clone());
        async move { session.authorized(refusing(go)).await }
    });
    while provider.asked.load(Ordering::SeqCst) < 2 || gone.is_none() {
        tokio::task::yield_now().await;
        gone = session.state().held.clone();
    }
    // It is good for a while. Then somebody else is refused with it first, and gets a third, which is taken.
    assert_eq!(session.authorized(accept).await, Ok("token 2".into()));
    assert_eq!(session.authorized(server(3)).await, Ok("token 3".into()));
    go.notify_one();
    assert_eq!(slow.await.unwrap(), Err(AuthorizedError::TokenUnavailable), "to be tried again");
    assert_eq!(session.authorized(accept).await, Ok("token 3".into()), "the session goes on");
    assert_eq!(*session.standing().borrow(), SessionState::Active);
}

#[tokio::test]
async fn requests_that_find_a_fresh_token_refused_ask_for_no_other() {
    let provider = Arc::new(Counting::default());
    let session = Session::new(provider.clone(), TIMEOUT);
    let go = Arc::new(Notify::new());
    // Refused with token 1, and has it renewed; of token 2 it hears nothing yet.
    let slow = tokio::spawn({
        let (session, go) = (session.clone(), go.clone());
        async move { session.authorized(refusing(go)).await }
    });
    while session.state().held.as_ref().is_none_or(|held| held.number < 2) {
        tokio::task::yield_now().await;
    }
    // To these token 2 is the first that they try.
    for _ in 0..3 {
        assert_eq!(session.authorized(server(3)).await, Err(AuthorizedError::SessionEnded));
    }
    go.notify_one();
    assert_eq!(slow.await.unwrap(), Err(AuthorizedError::SessionEnded));
    assert_eq!(provider.asked.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_renewed_token_that_lay_unused_until_it_ran_out_is_renewed_again() {
    let provider = Arc::new(Counting::default());
    let session = Session::new(provider.clone(), TIMEOUT);
    // Token 1 is refused; what asks with token 2 gets no further than a gateway.
    let gateway = |token: Token| {
        let fault = match token.secret() {
            "token 1" => Fault::Unauthorized,
            _ => Fault::Server { status: 502 },
        };
        std::future::ready(Err::<(), _>(TransportError::new(fault)))
    };
    assert!(matches!(session.authorized(gateway).await, Err(AuthorizedError::Transport(_))));
    tokio::time::advance(FRESH).await;
    assert_eq!(session.authorized(server(3)).await, Ok("token 3".into()));
}
