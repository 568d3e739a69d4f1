// What the page says, in English and Korean, and how it writes times.

const WORDS = {
  en: {
    signIn: "Sign in",
    signInText: "Paste a token. The server’s operator gives you one:",
    token: "Token",
    signOut: "Sign out",
    rooms: "Rooms",
    newRoom: "New room",
    noRooms: "No rooms yet. Make one, or have somebody let you in.",
    title: "Title",
    members: "Who else, by name, with commas",
    make: "Make it",
    cancel: "Cancel",
    back: "All rooms",
    pick: "Pick a room.",
    transport: "Connection",
    events: "Server-sent events",
    websocket: "WebSocket",
    polling: "Long polling",
    messages: "Messages",
    older: "Older messages",
    noMessages: "No messages yet. Say hello.",
    newest: "New messages",
    message: "Message",
    send: "Send",
    editing: "Editing a message",
    edit: "Edit",
    delete: "Delete",
    sureToDelete: "Delete this message? It will be gone for everyone in this room.",
    deleted: "Message deleted",
    edited: "edited",
    pending: "Sending…",
    notSent: "Not sent",
    sureToLeave: "Some messages have not been sent. Sign out and lose them?",
    retry: "Try again",
    discard: "Discard",
    tooLong: (length, most) => `${length} of ${most} characters`,
    unread: (count) => (count === 1 ? "1 unread message" : `${count} unread messages`),
    connecting: "Connecting…",
    live: "Connected",
    waiting: "Reconnecting…",
    offline: "You’re offline. Messages are sent when you’re back.",
    serverTrouble: "The server can’t be reached. Trying again…",
    failed: "That couldn’t be done. Please try again.",
    token_expired: "Your token has expired. Sign in with a new one.",
    token_refused: "The server refuses this token.",
    notAToken: "That is no token: it has three parts with dots between them.",
    not_a_member: "You’re not in this room any more.",
    room_not_found: "This room doesn’t exist.",
    room_gone: "This room doesn’t exist any more.",
    message_deleted: "That message was deleted meanwhile.",
    refused: (code) => `The server refused this message (${code}).`,
    rate_limited: "Too fast for the server. Please wait a little.",
  },
  ko: {
    signIn: "로그인",
    signInText: "토큰을 붙여 넣으세요. 서버 운영자가 발급해 드려요:",
    token: "토큰",
    signOut: "로그아웃",
    rooms: "채팅방",
    newRoom: "새 채팅방",
    noRooms: "아직 채팅방이 없어요. 새로 만들거나 초대를 받으세요.",
    title: "이름",
    members: "함께할 사람 (쉼표로 구분)",
    make: "만들기",
    cancel: "취소",
    back: "모든 채팅방",
    pick: "채팅방을 선택하세요.",
    transport: "연결 방식",
    events: "서버 전송 이벤트",
    websocket: "웹소켓",
    polling: "롱 폴링",
    messages: "메시지",
    older: "이전 메시지",
    noMessages: "아직 메시지가 없어요. 먼저 인사해 보세요.",
    newest: "새 메시지",
    message: "메시지 입력",
    send: "보내기",
    editing: "메시지 수정 중",
    edit: "수정",
    delete: "삭제",
    sureToDelete: "메시지를 삭제할까요? 이 채팅방의 모두에게서 사라져요.",
    deleted: "삭제된 메시지입니다",
    edited: "수정됨",
    pending: "보내는 중…",
    notSent: "전송되지 않음",
    sureToLeave: "아직 보내지 못한 메시지가 있어요. 로그아웃하면 사라져요. 로그아웃할까요?",
    retry: "다시 시도",
    discard: "버리기",
    tooLong: (length, most) => `${most}자 중 ${length}자`,
    unread: (count) => `읽지 않은 메시지 ${count}개`,
    connecting: "연결 중…",
    live: "연결됨",
    waiting: "다시 연결하는 중…",
    offline: "오프라인이에요. 다시 연결되면 메시지를 보낼게요.",
    serverTrouble: "서버에 연결할 수 없어요. 다시 시도하는 중…",
    failed: "처리하지 못했어요. 다시 시도해 주세요.",
    token_expired: "토큰이 만료되었어요. 새 토큰으로 로그인하세요.",
    token_refused: "서버가 이 토큰을 거부했어요.",
    notAToken: "토큰이 아니에요. 토큰은 점으로 나뉜 세 부분으로 되어 있어요.",
    not_a_member: "더 이상 이 채팅방의 멤버가 아니에요.",
    room_not_found: "채팅방이 존재하지 않아요.",
    room_gone: "채팅방이 더 이상 존재하지 않아요.",
    message_deleted: "그사이에 삭제된 메시지예요.",
    refused: (code) => `서버가 이 메시지를 거부했어요 (${code}).`,
    rate_limited: "요청이 너무 많아요. 잠시 기다려 주세요.",
  },
};

export const language = navigator.language.startsWith("ko") ? "ko" : "en";
export const words = WORDS[language];

/** What there is to say about an error: by its code, or in general. */
export const wordsFor = (error, general = words.failed) =>
  typeof words[error.code] === "string" ? words[error.code] : general;

/** Fills in the words of the page itself: `data-word` names the text, `data-label` the label, `data-hint` what stands in an empty field. */
export function translate(root) {
  document.documentElement.lang = language;
  for (const element of root.querySelectorAll("[data-word]")) element.textContent = words[element.dataset.word];
  for (const element of root.querySelectorAll("[data-label]")) element.ariaLabel = words[element.dataset.label];
  for (const element of root.querySelectorAll("[data-hint]")) element.placeholder = words[element.dataset.hint];
}

// As dates are written where the reader lives, as far as the language of the words goes.
const locale = navigator.languages.find((one) => one.startsWith(language)) ?? language;
const timeFormat = new Intl.DateTimeFormat(locale, { timeStyle: "short" });
const dayFormat = new Intl.DateTimeFormat(locale, { dateStyle: "full" });

export const time = (moment) => timeFormat.format(new Date(moment));
export const day = (moment) => dayFormat.format(new Date(moment));
