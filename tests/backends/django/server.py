# Django with REST framework, simplejwt and dj-rest-auth: JWTs in cookies, CSRF on, rotation with a blacklist, as their docs set
# it up; in one file. It prints its address.

import os
import socketserver
import sys
from datetime import timedelta
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import django
from django.conf import settings

settings.configure(
    SECRET_KEY=os.urandom(32).hex(),
    ALLOWED_HOSTS=[os.environ.get("HOST", "127.0.0.1")],
    ROOT_URLCONF=__name__,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "file:demo?mode=memory&cache=shared",
                           "OPTIONS": {"uri": True}}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    USE_TZ=True,
    INSTALLED_APPS=[
        "django.contrib.auth", "django.contrib.contenttypes", "rest_framework",
        "rest_framework_simplejwt.token_blacklist", "dj_rest_auth",
    ],
    MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"],
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": ["dj_rest_auth.jwt_auth.JWTCookieAuthentication"],
        "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "UNAUTHENTICATED_USER": None,
    },
    REST_AUTH={
        "USE_JWT": True, "SESSION_LOGIN": False, "TOKEN_MODEL": None,
        "JWT_AUTH_COOKIE": "access", "JWT_AUTH_REFRESH_COOKIE": "refresh",
        "JWT_AUTH_REFRESH_COOKIE_PATH": "/auth/", "JWT_AUTH_HTTPONLY": True,
        "JWT_AUTH_SECURE": os.environ.get("SECURE") == "1", "JWT_AUTH_SAMESITE": "Lax",
        "JWT_AUTH_COOKIE_USE_CSRF": True,
    },
    SIMPLE_JWT={
        "ACCESS_TOKEN_LIFETIME": timedelta(seconds=float(os.environ.get("ACCESS_SECONDS", "900"))),
        "REFRESH_TOKEN_LIFETIME": timedelta(days=14),
        "ROTATE_REFRESH_TOKENS": True, "BLACKLIST_AFTER_ROTATION": True,
    },
)
django.setup()

from dj_rest_auth.jwt_auth import get_refresh_view
from dj_rest_auth.views import LoginView, LogoutView
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path
from django.views.decorators.csrf import ensure_csrf_cookie
from rest_framework.decorators import api_view
from rest_framework.exceptions import PermissionDenied
from rest_framework.response import Response


@ensure_csrf_cookie
def csrf(_request):
    return HttpResponse(status=204)


@api_view(["GET"])
def me(request):
    return Response({"user": request.user.username})


class SignIn(LoginView):
    # Or an access token that has expired keeps its user from signing in.
    authentication_classes = []


@api_view(["POST"])
def notes(request):
    file = request.FILES.get("file")
    return Response({"length": file.size if file else len(request.data["text"])}, status=201)


@api_view(["GET"])
def forbidden(_request):
    raise PermissionDenied("not for you")


urlpatterns = [
    path("csrf", csrf), path("auth/sign-in", SignIn.as_view()), path("auth/sign-out", LogoutView.as_view()),
    path("auth/refresh", get_refresh_view().as_view()),
    path("api/me", me), path("api/notes", notes), path("api/forbidden", forbidden),
]


class Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Handler(WSGIRequestHandler):
    def log_message(self, *_):
        pass


keeps_the_database = django.db.connection.cursor()
call_command("migrate", verbosity=0)
User.objects.create_user("ada", password="correct horse")
server = Server(("127.0.0.1", 0), Handler)
server.set_app(get_wsgi_application())
print(f"http://127.0.0.1:{server.server_port}", flush=True)
sys.stdout.flush()
server.serve_forever()
