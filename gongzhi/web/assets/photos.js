/* Chosen photos are shown before they are sent, the camera adds to them, and one that is too large is said at once. */
const LARGEST = 20 * 1024 * 1024;

document.querySelectorAll("[data-photos]").forEach((box) => {
  const [gallery, camera] = box.querySelectorAll("input[type=file]");
  const most = Number(box.dataset.photos);
  const shown = document.createElement("ul");
  shown.className = "photos";
  box.before(shown);

  const put = (files) => {
    const bag = new DataTransfer();
    files.forEach((file) => bag.items.add(file));
    gallery.files = bag.files;
    show();
  };
  const show = () => {
    shown.querySelectorAll("img").forEach((picture) => URL.revokeObjectURL(picture.src));
    shown.textContent = "";
    [...gallery.files].forEach((file, place, all) => {
      const line = document.createElement("li");
      const picture = document.createElement("img");
      picture.src = URL.createObjectURL(file);
      picture.alt = "已选的第 " + (place + 1) + " 张，还没有传";
      line.append(picture);
      if (file.size > LARGEST || place >= most) {
        const told = document.createElement("p");
        told.className = "late";
        told.textContent = place >= most ? "超过 " + most + " 张" : "超过 20 MB，传不了";
        line.append(told);
      }
      const away = document.createElement("button");
      away.type = "button";
      away.className = "btn-line";
      away.textContent = "不要这张";
      away.addEventListener("click", () => {
        put(all.filter((one) => one !== file));
        gallery.focus();
      });
      line.append(away);
      shown.append(line);
    });
  };
  let before = [];
  gallery.addEventListener("click", () => (before = [...gallery.files]));
  gallery.addEventListener("change", () => put([...before, ...gallery.files]));
  camera.addEventListener("change", () => {
    put([...gallery.files, ...camera.files]);
    camera.value = "";
  });
});
