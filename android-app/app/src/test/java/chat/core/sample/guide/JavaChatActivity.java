package chat.core.sample.guide;

import android.app.Application;
import android.os.Bundle;
import android.widget.TextView;
import androidx.activity.ComponentActivity;
import androidx.lifecycle.ViewModelProvider;
import chat.core.ChatConfig;
import chat.core.ChatUiState;
import chat.core.ChatViewModel;
import chat.core.TransportChoice;
import chat.core.java.ChatFlows;
import chat.core.java.JavaChatClient;
import chat.core.java.JavaChatRoom;
import chat.core.java.Subscription;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

/** What docs/android.md shows of Java. */
final class JavaLogin {
    static String token(boolean refused) {
        return null;
    }
}

// DOC
class JavaChatApp extends Application {
    private CompletableFuture<JavaChatClient> client;

    /** The one client of this process. On the main thread; an opening that failed is tried again by the next call. */
    CompletableFuture<JavaChatClient> chat() {
        if (client == null || client.isCompletedExceptionally()) {
            ChatConfig config = new ChatConfig.Builder("https://chat.example.com", "alice")
                    .setTransport(TransportChoice.AUTO)
                    .setPollCeiling(Duration.ofSeconds(20))
                    .build();
            client = JavaChatClient.open(this, config, refused -> JavaLogin.token(refused)); // may block
        }
        return client;
    }
}
// END DOC

abstract class JavaChatActivity extends ComponentActivity {
    private TextView status;

    abstract void show(ChatUiState state);

    // DOC
    private Subscription subscription;

    @Override
    protected void onCreate(Bundle savedInstanceState) {
        super.onCreate(savedInstanceState);
        JavaChatApp app = (JavaChatApp) getApplication();
        ViewModelProvider.Factory factory =
                JavaChatRoom.viewModelFactory(() -> app.chat().thenCompose(client -> client.room(1)));
        ChatViewModel model = new ViewModelProvider(this, factory).get(ChatViewModel.class);
        getLifecycle().addObserver(model);
        Executor mainThread = this::runOnUiThread;
        subscription = ChatFlows.observe(model.getState(), mainThread, this::show);
    }

    @Override
    protected void onDestroy() {
        subscription.close();
        super.onDestroy();
    }
    // END DOC

    // DOC
    void sayHello(JavaChatRoom room) {
        room.send("hello").whenCompleteAsync((key, error) -> {
            if (error == null) status.setText("It is on the device and will be sent");
        }, this::runOnUiThread);
    }
    // END DOC
}
