package chat.core.java;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;
import static org.robolectric.Shadows.shadowOf;

import android.os.Looper;
import androidx.lifecycle.ViewModelProvider;
import androidx.test.ext.junit.runners.AndroidJUnit4;
import chat.core.CatchUp;
import chat.core.ChatConfig;
import chat.core.ChatEvent;
import chat.core.ChatException;
import chat.core.ChatRow;
import chat.core.ChatViewModel;
import chat.core.Connection;
import chat.core.Delivery;
import chat.core.EndReason;
import chat.core.Message;
import chat.core.RoomList;
import chat.core.RoomListViewModel;
import chat.core.SessionState;
import chat.core.Timeline;
import chat.core.TransportChoice;
import chat.core.fixtures.ChatRule;
import chat.core.fixtures.ScreenOwner;
import chat.core.testing.Examples;
import chat.core.testing.FakeChatClient;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import org.junit.After;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.runner.RunWith;

/** A chat in Java alone, over the real server: nothing of Kotlin's is needed but the values. */
@RunWith(AndroidJUnit4.class)
public class JavaChatTest {
    @Rule
    public final ChatRule chat = new ChatRule();

    private final ExecutorService screen = Executors.newSingleThreadExecutor(task -> new Thread(task, "screen"));
    private JavaChatClient client;
    private JavaChatRoom room;

    @Before
    public void open() throws Exception {
        ChatConfig config = new ChatConfig.Builder(chat.getProxy().getUrl(), "alice")
                .setPollInterval(Duration.ofMillis(50))
                .setTransport(TransportChoice.POLLING)
                .setAllowCleartext(true)
                .setDataDir(Files.createTempDirectory("chat-core").toFile())
                .build();
        client = get(JavaChatClient.open(chat.getContext(), config, refused -> chat.getServer().token("alice")));
        room = get(client.room(chat.getRoom()));
    }

    @After
    public void close() throws Exception {
        get(client.close());
        screen.shutdownNow();
    }

    private static <T> T get(CompletableFuture<T> future) throws Exception {
        return future.get(10, TimeUnit.SECONDS);
    }

    private static void waitUntil(String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > deadline) throw new AssertionError("waited in vain until " + what);
            shadowOf(Looper.getMainLooper()).idle();
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
        }
    }

    private List<String> texts() {
        return room.getTimeline().getValue().getMessages().stream().map(Message::getText).collect(Collectors.toList());
    }

    private Message last() {
        List<Message> messages = room.getTimeline().getValue().getMessages();
        return messages.get(messages.size() - 1);
    }

    @Test
    public void a_conversation() throws Exception {
        List<Timeline> shown = new CopyOnWriteArrayList<>();
        List<String> threads = new CopyOnWriteArrayList<>();
        Subscription subscription = ChatFlows.observe(room.getTimeline(), screen, timeline -> {
            shown.add(timeline);
            threads.add(Thread.currentThread().getName());
        });
        room.start();
        chat.bobSays("안녕");
        waitUntil("bob is heard", () -> texts().equals(Collections.singletonList("안녕")));
        assertEquals("bob", last().getSender());
        get(room.markRead(last().getKey()));
        waitUntil("it is read", () -> room.getTimeline().getValue().getUnread() == 0);

        long key = get(room.send("helo"));
        waitUntil("it is sent", () -> last().getKey() == key && last().getDelivery() == Delivery.Sent.INSTANCE);
        get(room.edit(key, "hello"));
        waitUntil("it is edited", () -> chat.getServer().texts(chat.getRoom(), "bob").equals(Arrays.asList("안녕", "hello")));
        get(room.delete(key));
        waitUntil("it is gone", () -> last().isDeleted() && last().getId() != null);

        waitUntil("the screen has seen it", () -> shown.get(shown.size() - 1).getMessages().get(1).isDeleted());
        assertEquals(Collections.singleton("screen"), new HashSet<>(threads));
        subscription.close();
        room.stop();
        assertEquals(Connection.Idle.INSTANCE, room.getConnection().getValue());
        assertEquals(false, get(room.loadOlder()));
    }

    @Test
    public void a_future_that_is_cancelled_at_once_loses_no_text_and_no_order() {
        room.start();
        List<String> said = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            said.add("number " + i);
            room.send("number " + i).cancel(true);
        }
        waitUntil("the server has them all", () -> chat.getServer().texts(chat.getRoom(), "bob").equals(said));
    }

    @Test
    public void errors_are_those_of_kotlin() throws Exception {
        ExecutionException blank = assertThrows(ExecutionException.class, () -> get(room.send("  ")));
        assertTrue(blank.getCause() instanceof ChatException.TextBlank);
        assertThrows(ExecutionException.class, () -> get(client.room(0)));
        AtomicReference<Throwable> seen = new AtomicReference<>();
        room.edit(99, "nobody's").whenComplete((nothing, error) -> seen.set(error));
        waitUntil("it has failed", () -> seen.get() != null);
        assertTrue(String.valueOf(seen.get()), seen.get() instanceof ChatException.NotFound);
    }

    @Test
    public void the_list_of_rooms_is_polled_until_its_future_is_cancelled() {
        CompletableFuture<EndReason> polling = client.pollRooms();
        waitUntil("the room is listed", () -> client.getRooms().getValue().getRooms().stream()
                .anyMatch(room -> room.getId() == chat.getRoom()));
        assertThrows(TimeoutException.class, () -> polling.get(1, TimeUnit.MILLISECONDS));
        polling.cancel(true);
        waitUntil("it rests", () -> client.getRoomsConnection().getValue() == Connection.Idle.INSTANCE);
        assertThrows(CancellationException.class, polling::join);
    }

    @Test
    public void nothing_is_told_after_a_subscription_was_closed_on_its_own_thread() throws Exception {
        FakeChatClient fake = new FakeChatClient();
        JavaChatClient client = JavaChatClient.of(fake);
        List<RoomList> told = new CopyOnWriteArrayList<>();
        Subscription subscription = ChatFlows.observe(client.getRooms(), screen, told::add);
        waitUntil("it is told what is", () -> told.size() == 1);
        fake.showRooms(Examples.exampleRoomSummary());
        waitUntil("it is told what has become of it", () -> told.size() == 2);
        screen.submit(() -> {
            fake.showRooms();
            subscription.close();
        }).get();
        screen.submit(() -> { }).get();
        fake.showRooms(Examples.exampleRoomSummary());
        screen.submit(() -> { }).get();
        assertEquals(2, told.size());
    }

    @Test
    public void who_observes_on_the_spot_may_call_back_and_wait() throws Exception {
        List<Long> keys = new CopyOnWriteArrayList<>();
        Subscription subscription = ChatFlows.observe(room.getConnection(), Runnable::run, connection -> {
            if (connection instanceof Connection.Live) keys.add(room.send("now that we are live").join());
        });
        room.start();
        waitUntil("it is said", () -> keys.size() == 1 && texts().contains("now that we are live"));
        subscription.close();
    }

    @Test
    public void a_view_model_for_views_in_java() {
        ScreenOwner owner = new ScreenOwner();
        ViewModelProvider.Factory factory = JavaChatRoom.viewModelFactory(() -> client.room(chat.getRoom()));
        ChatViewModel model = new ViewModelProvider(
                owner.getViewModelStore(), factory, owner.getDefaultViewModelCreationExtras()).get(ChatViewModel.class);
        List<ChatEvent> events = new CopyOnWriteArrayList<>();
        Subscription subscription = ChatFlows.observe(model.getEvents(), screen, events::add);
        model.send("from a view");
        waitUntil("it is stored", () -> events.size() == 1 && events.get(0) instanceof ChatEvent.Stored);
        waitUntil("it shows", () -> model.getState().getValue().getRows().stream()
                .anyMatch(row -> row instanceof ChatRow.Message && ((ChatRow.Message) row).getMessage().getId() != null));
        model.delete(last().getKey());
        waitUntil("it is gone", () -> last().isDeleted());
        subscription.close();
        owner.getViewModelStore().clear();
    }

    @Test
    public void a_view_model_of_the_list_in_java() {
        ScreenOwner owner = new ScreenOwner();
        ViewModelProvider.Factory factory = JavaChatClient.viewModelFactory(() -> CompletableFuture.completedFuture(client));
        RoomListViewModel model = new ViewModelProvider(
                owner.getViewModelStore(), factory, owner.getDefaultViewModelCreationExtras()).get(RoomListViewModel.class);
        long id = chat.getRoom();
        waitUntil("the room is listed", () -> model.getState().getValue().getRows().stream()
                .anyMatch(row -> row.getRoom().getId() == id));
        owner.getViewModelStore().clear();
    }

    @Test
    public void an_account_is_caught_up_with_without_a_screen() throws Exception {
        chat.bobSays("while you were away");
        assertTrue(get(client.catchUp()) instanceof CatchUp.Done);
        assertEquals(Collections.singletonList("while you were away"), texts());
        assertEquals(Connection.Idle.INSTANCE, room.getConnection().getValue());
    }

    @Test
    public void the_end_of_the_session_is_told() {
        AtomicReference<SessionState> state = new AtomicReference<>();
        ChatFlows.observe(client.getSession(), screen, state::set);
        waitUntil("it is told", () -> state.get() == SessionState.ACTIVE);
        room.start();
        chat.getProxy().failAll(401, "token_expired");
        waitUntil("it is over", () -> state.get() == SessionState.ENDED);
        chat.getProxy().heal();
        client.resumeSession();
        waitUntil("it goes on", () -> room.getConnection().getValue() instanceof Connection.Live);
    }
}
