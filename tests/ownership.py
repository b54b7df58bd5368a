"""What the pool's validation service says to who asks from a server's own address."""

LINK = "https://manage.ntppool.org/manage/server/verify/9dCkq2X-_b7LuJ"
WORDS = f"To verify this server with the NTP Pool, visit\n{LINK}\n"
