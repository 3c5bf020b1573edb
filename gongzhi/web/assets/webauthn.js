/* A security key answers the browser; its answer goes with the form. Without scripts there are codes. */
const bytes = (text) => {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/") + "=".repeat((4 - (text.length % 4)) % 4));
  return Uint8Array.from(plain, (sign) => sign.charCodeAt(0));
};
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const ids = (list) => (list || []).map((one) => Object.assign({}, one, { id: bytes(one.id) }));

async function create(options) {
  const user = Object.assign({}, options.user, { id: bytes(options.user.id) });
  const asked = Object.assign({}, options, {
    challenge: bytes(options.challenge),
    user,
    excludeCredentials: ids(options.excludeCredentials),
  });
  const made = await navigator.credentials.create({ publicKey: asked });
  return {
    id: made.id,
    rawId: text(made.rawId),
    type: made.type,
    clientExtensionResults: made.getClientExtensionResults(),
    response: {
      attestationObject: text(made.response.attestationObject),
      clientDataJSON: text(made.response.clientDataJSON),
    },
  };
}

async function get(options) {
  const asked = Object.assign({}, options, {
    challenge: bytes(options.challenge),
    allowCredentials: ids(options.allowCredentials),
  });
  const made = await navigator.credentials.get({ publicKey: asked });
  return {
    id: made.id,
    rawId: text(made.rawId),
    type: made.type,
    clientExtensionResults: made.getClientExtensionResults(),
    response: {
      authenticatorData: text(made.response.authenticatorData),
      clientDataJSON: text(made.response.clientDataJSON),
      signature: text(made.response.signature),
      userHandle: made.response.userHandle ? text(made.response.userHandle) : null,
    },
  };
}

document.querySelectorAll("form[data-key]").forEach((form) => {
  const told = form.querySelector("[role=alert]");
  const say = (words) => {
    told.textContent = words;
    told.hidden = false;
  };
  const button = form.querySelector("button");
  if (!window.PublicKeyCredential) {
    button.disabled = true;
    say("这个浏览器或网址用不了安全密钥：要 https 网址和新一些的浏览器");
    return;
  }
  form.addEventListener("submit", async (event) => {
    if (form.elements.credential.value) return;
    event.preventDefault();
    event.stopPropagation();
    told.hidden = true;
    button.disabled = true;
    const { publicKey } = JSON.parse(form.dataset.options);
    try {
      const answer = form.dataset.key === "create" ? await create(publicKey) : await get(publicKey);
      form.elements.credential.value = JSON.stringify(answer);
      form.submit();
    } catch (trouble) {
      button.disabled = false;
      say(
        trouble.name === "InvalidStateError"
          ? "这一把已经登记过，请换一把"
          : "密钥没有应答，或中途取消了。请再按一次，按提示碰一下密钥"
      );
    }
  });
});

document.querySelectorAll("[data-print]").forEach((button) => {
  button.hidden = false;
  button.addEventListener("click", () => print());
});
