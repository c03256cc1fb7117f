// Shows the schema with Swagger UI. Calls that are tried out go to this server, in the session of whoever is logged in.
const place = document.getElementById("docs");
const cookie = (name) => document.cookie.split("; ").find((each) => each.startsWith(`${name}=`))?.split("=")[1];
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);  // Swagger UI's own style
follow();
dark.addEventListener("change", follow);

SwaggerUIBundle({
  url: place.dataset.schema,
  domNode: place,
  deepLinking: true,
  validatorUrl: null,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  requestInterceptor: (request) => {
    const changes = !["GET", "HEAD"].includes((request.method || "GET").toUpperCase());
    if (changes && cookie("csrftoken")) request.headers["X-CSRFToken"] = cookie("csrftoken");
    return request;
  },
});
