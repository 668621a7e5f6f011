// The connection to the server. It opens again by itself.

const RETRY = 500; // milliseconds

/** Connects, and calls `receive` with each message and `closed` when the server is gone. */
export function connect(receive, closed) {
  let socket;
  const open = () => {
    socket = new WebSocket(`ws://${location.host}/board`);
    socket.addEventListener("message", (event) => receive(JSON.parse(event.data)));
    socket.addEventListener("close", (event) => {
      closed(event.code);
      setTimeout(open, RETRY);
    });
  };
  open();
  return {
    /** Sends an object and, behind it, the bytes of a picture. False if the server is gone. */
    send(message, bytes) {
      if (socket.readyState !== WebSocket.OPEN) return false;
      const head = JSON.stringify(message);
      socket.send(bytes ? new Blob([head, "\n", bytes]) : head);
      return true;
    },
  };
}

/** The bytes of a base64 text. */
export function decodeBytes(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
