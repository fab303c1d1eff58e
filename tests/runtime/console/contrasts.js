// What is shown, each text and each sign, with its contrast to what is behind it: WCAG 2.2 §1.4.3 and §1.4.11.
function channels(colour) {
  const [red, green, blue, alpha] = colour.match(/[\d.]+/g).map(Number);
  return { values: [red, green, blue], alpha: alpha === undefined ? 1 : alpha };
}

function luminance(values) {
  const [red, green, blue] = values.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one, other) {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

function behind(element) {
  const box = element.closest(".badge") ? element.closest(".badge").querySelector("rect")
    : element.closest(".actor") && !element.matches(".box") ? element.closest(".actor").querySelector(".box") : null;
  if (box) return channels(getComputedStyle(box).fill).values;
  for (let at = element; at; at = at.parentElement) {
    const found = channels(getComputedStyle(at).backgroundColor);
    if (found.alpha === 1) return found.values;
  }
  return [255, 255, 255];
}

const found = [];
for (const element of document.querySelectorAll("body *")) {
  if (!element.checkVisibility() || element.closest("defs, title, script, noscript")) continue;
  const style = getComputedStyle(element), own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  const drawn = element.namespaceURI.endsWith("svg");
  if (own) {
    const ink = channels(drawn ? style.fill : style.color).values;
    found.push({ what: element.textContent.slice(0, 40), contrast: contrast(ink, behind(element)), wanted: 4.5 });
  } else if (element.matches(".box, .way")) {
    found.push({ what: element.getAttribute("class"), contrast: contrast(channels(style.stroke).values, behind(element.closest("svg"))), wanted: 3 });
  } else if (element.matches(".dot, .half, .bar")) {
    const ink = element.matches(".dot") ? style.stroke : style.fill;
    const on = element.matches(".bar") ? behind(element.closest("svg")) : behind(element);
    found.push({ what: element.getAttribute("class"), contrast: contrast(channels(ink).values, on), wanted: 3 });
  }
}
return found;
