package chat.core.testing

import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.fixtures.ChatRule
import org.junit.Rule
import org.junit.runner.RunWith

@RunWith(AndroidJUnit4::class)
internal class FakeChatClientContractTest : ChatClientContract() {
    override val stage = FakeStage()
}

@RunWith(AndroidJUnit4::class)
internal class NativeChatClientContractTest : ChatClientContract() {
    @get:Rule
    val chat = ChatRule()
    override val stage by lazy { NativeStage(chat) }
}

@RunWith(AndroidJUnit4::class)
internal class FakeChatRoomContractTest : ChatRoomContract() {
    override val stage = FakeStage()
}

@RunWith(AndroidJUnit4::class)
internal class NativeChatRoomContractTest : ChatRoomContract() {
    @get:Rule
    val chat = ChatRule()
    override val stage by lazy { NativeStage(chat) }
}
