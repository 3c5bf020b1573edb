/* A photo made smaller before it waits on the device: 2048 pixels is what the server keeps, and drawing it anew leaves
   out where it was taken. What cannot be drawn here is kept as it is; the server looks at everything again. */
const SIDE = 2048;
const SMALL = 400000;

export async function small(file) {
  const turns = window.CSS && CSS.supports("image-orientation", "from-image");
  if (!turns) return file;
  const address = URL.createObjectURL(file);
  try {
    const picture = new Image();
    picture.src = address;
    await picture.decode();
    const part = Math.min(1, SIDE / Math.max(picture.naturalWidth, picture.naturalHeight));
    if (part === 1 && file.size < SMALL) return file;
    const sheet = document.createElement("canvas");
    sheet.width = Math.round(picture.naturalWidth * part);
    sheet.height = Math.round(picture.naturalHeight * part);
    sheet.getContext("2d").drawImage(picture, 0, 0, sheet.width, sheet.height);
    return (await new Promise((done) => sheet.toBlob(done, "image/jpeg", 0.85))) || file;
  } catch (undrawable) {
    return file;
  } finally {
    URL.revokeObjectURL(address);
  }
}
