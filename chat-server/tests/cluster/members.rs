//! The light members: each listens by one transport, at any node, for as long as that lasts, and talks.

use crate::line::{By, Ended, Line, Said, Saying, Talker};
use crate::world::{World, light_name, pause, sayings};
use crate::{LIGHT_PER_TRANSPORT, ROOMS};
use chat_protocol::RoomId;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// Between two things that somebody says, in milliseconds: 160 of them make some 25 messages a second.
const THINKS: std::ops::Range<u64> = 3_000..9_000;

/// How long a stream is listened to at one node before its listener moves on by itself, in milliseconds.
const STAYS: std::ops::Range<u64> = 4_000..20_000;

/// How long a poll is held.
const HELD: Duration = Duration::from_secs(5);

/// How long somebody waits for a socket to confirm before doubting it.
const DOUBTS: Duration = Duration::from_secs(6);

/// The patience of the test with something being said: longer than every fault together.
const PATIENCE: Duration = Duration::from_secs(90);

/// What a member has heard, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) seq: i64,
    pub(crate) id: i64,
    pub(crate) text: String,
}

/// What a member knows to be stored: its number and its text.
pub(crate) type Confirmed = (i64, String);

pub(crate) struct Light {
    pub(crate) name: String,
    pub(crate) room: RoomId,
    heard: Arc<Mutex<Vec<Heard>>>,
    confirmed: Arc<Mutex<Vec<Confirmed>>>,
    /// Attempts that nobody answered.
    doubts: Arc<Mutex<usize>>,
    listening: JoinHandle<()>,
    talking: Option<JoinHandle<Mouth>>,
    mouth: Option<Mouth>,
}

/// The part that talks.
struct Mouth {
    name: String,
    talker: Talker,
    /// Where its socket is open, if it has one.
    socket: Option<mpsc::Sender<Saying>>,
    urls: Arc<[String]>,
    said: usize,
    confirmed: Arc<Mutex<Vec<Confirmed>>>,
    doubts: Arc<Mutex<usize>>,
    random: fastrand::Rng,
}

impl Light {
    /// Everybody, listening and ready to talk.
    pub(crate) fn all(world: &World, random: &mut fastrand::Rng) -> Vec<Self> {
        let mut all = Vec::new();
        for room in 0..ROOMS {
            for by in By::ALL {
                for n in 0..LIGHT_PER_TRANSPORT {
                    all.push(Self::start(world, room, by, light_name(room, by, n), random));
                }
            }
        }
        all
    }

    fn start(world: &World, room: usize, by: By, name: String, random: &mut fastrand::Rng) -> Self {
        let (id, heard) = (world.rooms[room], Arc::new(Mutex::new(Vec::new())));
        let mut line = Line::new(by, id, &name, world.http.clone());
        line.held = HELD;
        let (socket, spoken) = sayings();
        let wanders = matches!(by, By::Sse | By::WebSocket).then(|| world.talking());
        let ears = listen(line, wanders, world.urls.clone(), heard.clone(), spoken, random.fork());
        let (confirmed, doubts): (Arc<Mutex<_>>, Arc<Mutex<_>>) = Default::default();
        let mouth = Mouth {
            name: name.clone(),
            talker: Talker::new(id, &name, world.http.clone()),
            socket: (by == By::WebSocket).then_some(socket),
            urls: world.urls.clone(),
            said: 0,
            confirmed: confirmed.clone(),
            doubts: doubts.clone(),
            random: random.fork(),
        };
        let (listening, talking) = (tokio::spawn(ears), Some(tokio::spawn(mouth.talk(world.talking()))));
        Self { name, room: id, heard, confirmed, doubts, listening, talking, mouth: None }
    }

    /// Waits until what it is saying is confirmed, after the world has stopped talking.
    pub(crate) async fn has_said_all(&mut self) {
        if let Some(talking) = self.talking.take() {
            let ended = timeout(PATIENCE, talking).await;
            let ended = ended.unwrap_or_else(|_| panic!("{} never got an answer", self.name));
            self.mouth = Some(ended.unwrap());
        }
    }

    /// Once more, whatever the world does.
    pub(crate) fn say_one_more(&mut self) {
        let mut mouth = self.mouth.take().expect("it has said all");
        self.talking = Some(tokio::spawn(async move {
            mouth.say().await;
            mouth
        }));
    }

    pub(crate) fn heard(&self) -> Vec<Heard> {
        assert!(!self.listening.is_finished(), "{} listens no more", self.name);
        self.heard.lock().unwrap().clone()
    }

    pub(crate) fn confirmed(&self) -> Vec<Confirmed> {
        self.confirmed.lock().unwrap().clone()
    }

    pub(crate) fn doubts(&self) -> usize {
        *self.doubts.lock().unwrap()
    }
}

impl Drop for Light {
    fn drop(&mut self) {
        self.listening.abort();
        if let Some(talking) = &self.talking {
            talking.abort();
        }
    }
}

/// Listens for good: at one node until that fails, or long enough while there is talk, then at any.
async fn listen(
    mut line: Line,
    mut wanders: Option<watch::Receiver<bool>>,
    urls: Arc<[String]>,
    heard: Arc<Mutex<Vec<Heard>>>,
    mut spoken: mpsc::Receiver<Saying>,
    mut random: fastrand::Rng,
) {
    let mut hear = |message: chat_protocol::Message| {
        let (seq, id) = (message.seq.get(), message.id.get());
        heard.lock().unwrap().push(Heard { seq, id, text: message.text });
    };
    loop {
        let node = random.choice(urls.iter()).unwrap();
        let stays = Duration::from_millis(random.u64(STAYS));
        let leaves = async {
            let Some(talking) = &mut wanders else { return pending().await };
            sleep(stays).await;
            let _ = talking.wait_for(|talk| *talk).await;
        };
        let ended = tokio::select! {
            ended = line.follow_and_say(node, &mut hear, &mut spoken) => ended,
            () = leaves => continue,
        };
        match ended {
            Ended::Refused(why) => panic!("{node} refuses: {why}"),
            Ended::Lost => pause(&mut random, 50..500).await,
            // Between two polls; a stream that was told to move does so with a little less haste.
            Ended::Well => pause(&mut random, 300..900).await,
        }
    }
}

impl Mouth {
    async fn talk(mut self, mut wanted: watch::Receiver<bool>) -> Self {
        wanted.wait_for(|talk| *talk).await.unwrap();
        loop {
            let thinks = Duration::from_millis(self.random.u64(THINKS));
            // Whoever is in the middle of a sentence brings it to its end.
            if timeout(thinks, wanted.wait_for(|talk| !talk)).await.is_ok() {
                return self;
            }
            self.say().await;
        }
    }

    /// One message, until it is confirmed: with one key, on any node, over the socket where there is one.
    async fn say(&mut self) {
        self.said += 1;
        let text = format!("{} says {}", self.name, self.said);
        let key = format!("{}-{}", self.name, self.said);
        loop {
            let node = self.random.choice(self.urls.iter()).unwrap();
            let said = match &self.socket {
                Some(socket) => over(socket, &key, &text).await,
                None => self.talker.say(node, &key, &text).await,
            };
            match said {
                Said::Stored(message) => {
                    assert_eq!(message.text, text);
                    return self.confirmed.lock().unwrap().push((message.id.get(), text));
                }
                Said::Perhaps => {
                    *self.doubts.lock().unwrap() += 1;
                    pause(&mut self.random, 50..500).await;
                }
                Said::Refused(why) => panic!("{text}: refused: {why}"),
            }
        }
    }
}

/// Says it over the socket that is open, whichever that is by now.
async fn over(socket: &mpsc::Sender<Saying>, key: &str, text: &str) -> Said {
    let (answered, answer) = oneshot::channel();
    let saying = Saying { key: key.to_owned(), text: text.to_owned(), answered };
    let asked = async {
        socket.send(saying).await.ok()?;
        answer.await.ok()
    };
    timeout(DOUBTS, asked).await.ok().flatten().unwrap_or(Said::Perhaps)
}
